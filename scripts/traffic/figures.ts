import { SCENARIOS, simulateHospital, type SimulationOptions } from '@protego/simulation';
import { daysOf } from './day-clock';
import { DeviceTally, type ClassTraffic } from './device-tally';
import { PeopleTally, type RoleReads } from './people-tally';
import { RelationTally, type RelatedReads, type Relation } from './relation-tally';
import { stayFigures, type StayFigures } from './stay-figures';

/** What is simulated for the page. */
export const RUN = {
  scenario: 'general',
  seed: 7,
  days: 14,
  /** A Monday, so that there are two whole weeks. */
  startTime: '2026-03-02T00:00:00.000Z',
  /** Ordinary life alone. */
  settings: { attacks: 'off', twins: 'off' },
} as const satisfies SimulationOptions;
/** Days over which stays are counted: many, as there are few of them. */
export const STAY_DAYS = 84;

/** Size of the hospital of a scenario, as it comes. */
export interface HouseSize {
  readonly scenario: string;
  readonly beds: number;
  readonly people: number;
  readonly devices: number;
  readonly ownPhones: number;
  readonly wearables: number;
  readonly partners: number;
  readonly residents: number;
}

/** Everything that the page shows. */
export interface TrafficFigures {
  readonly houses: readonly HouseSize[];
  readonly eventsPerDay: number;
  readonly classes: readonly ClassTraffic[];
  readonly roles: readonly RoleReads[];
  /** Sign-ins an hour, by hour of the day. */
  readonly signIns: { readonly weekday: readonly number[]; readonly weekend: readonly number[] };
  readonly signInsPerWeek: number;
  readonly failedPart: number;
  /** Record reads an hour, by hour of the day. */
  readonly reads: { readonly weekday: readonly number[]; readonly weekend: readonly number[] };
  readonly outsideCarePart: number;
  readonly breakGlassPerThousand: number;
  readonly relationsPerMillion: ReadonlyMap<Relation, RelatedReads>;
  readonly stays: StayFigures;
}

/** Simulates and counts. */
export function trafficFigures(): TrafficFigures {
  const simulation = simulateHospital(RUN);
  const [devices, people, relations] = [new DeviceTally(), new PeopleTally(), new RelationTally()];
  let events = 0;
  for (const event of simulation.events) {
    events++;
    devices.take(event);
    people.take(event);
    relations.take(event);
  }
  const startMs = Date.parse(RUN.startTime);
  const { weekday, weekend } = daysOf(startMs, RUN.days);
  const byHour = (counts: PeopleTally['reads']) => ({
    weekday: counts.perHour('weekday', weekday),
    weekend: counts.perHour('weekend', weekend),
  });
  return {
    houses: SCENARIOS.map(({ name }) => houseSize(name)),
    eventsPerDay: events / RUN.days,
    classes: devices.classes(RUN.days),
    roles: people.roles(),
    signIns: byHour(people.signIns),
    signInsPerWeek: people.signInsPerWeek(RUN.days),
    failedPart: people.failedPart(),
    reads: byHour(people.reads),
    outsideCarePart: people.outsideCarePart(),
    breakGlassPerThousand: people.breakGlassPerThousand(),
    relationsPerMillion: relations.perMillion(),
    stays: stayFigures(simulation.hospital, startMs, STAY_DAYS),
  };
}

function houseSize(scenario: string): HouseSize {
  const { hospital } = simulateHospital({ scenario, seed: RUN.seed, days: 1 });
  return {
    scenario,
    beds: hospital.wards.reduce((total, { bedCount }) => total + bedCount, 0),
    people: hospital.people.length,
    devices: hospital.devices.length,
    ownPhones: hospital.devicesOf('phone').length,
    wearables: hospital.devicesOf('wearable').length,
    partners: hospital.partners.length,
    residents: hospital.residentCount,
  };
}
