import { ACTIVITY_MS_MAX, type Activity, type ActivityCourse, type Stage } from './activity';
import { credentialStuffing, forcedPasswordChange, staleServiceAccount } from './credential-activities';
import type { Hospital } from './hospital';
import { SeededRandom } from './random';
import { floatNurse, infectionControlRound, recordSnooping } from './record-activities';
import type { SimulationSettings } from './settings';

interface ActivityMaker extends Pick<Activity, 'name' | 'kind'> {
  readonly make: (stage: Stage) => ActivityCourse;
}

/** Everything that is planted in an hour; what is new is added here. */
const ACTIVITY_MAKERS: readonly ActivityMaker[] = [
  { name: 'credential-stuffing', kind: 'attack', make: credentialStuffing },
  { name: 'record-snooping-ward-tablet', kind: 'attack', make: recordSnooping },
  { name: 'forced-password-change', kind: 'benign-twin', make: forcedPasswordChange },
  { name: 'stale-service-account', kind: 'benign-twin', make: staleServiceAccount },
  { name: 'infection-control-round', kind: 'benign-twin', make: infectionControlRound },
  { name: 'float-nurse', kind: 'benign-twin', make: floatNurse },
];

// Activities begin in minutes 6 to 38 and last at most 11, so that those of two hours lie more than 15 minutes apart
// and no window of a detector covers both.
const BEGIN_MS_MIN = 6 * 60_000;
const BEGIN_MS_MAX = 38 * 60_000;

/** One simulated hour. */
export interface HourPlan {
  readonly hospital: Hospital;
  readonly settings: SimulationSettings;
  readonly seed: number;
  /** Counted from 0 at the start of the simulation. */
  readonly hourIndex: number;
  /** Milliseconds since the Unix epoch. */
  readonly hourStartMs: number;
  /** End of the simulation, milliseconds since the Unix epoch. */
  readonly endMs: number;
}

/**
 * The planted activities of one hour. In an hour that the simulation cuts short they begin early enough to be complete,
 * or are left out when less than 17 minutes are simulated. Every activity draws from a random stream of its own.
 */
export function planHour(plan: HourPlan): Activity[] {
  const beginMsMax = Math.min(BEGIN_MS_MAX, plan.endMs - plan.hourStartMs - ACTIVITY_MS_MAX);
  if (beginMsMax < BEGIN_MS_MIN) return [];
  const tablets = SeededRandom.ofStream(plan.seed, `tablets/${plan.hourIndex}`).sample(
    plan.hospital.devices.filter(({ type }) => type === 'tablet'),
    ACTIVITY_MAKERS.length,
  );
  const activities: Activity[] = [];
  ACTIVITY_MAKERS.forEach(({ name, kind, make }, index) => {
    if (!(kind === 'attack' ? plan.settings.attacks : plan.settings.twins)) return;
    const random = SeededRandom.ofStream(plan.seed, `${name}/${plan.hourIndex}`);
    const startMs = plan.hourStartMs + random.integer(BEGIN_MS_MIN, beginMsMax);
    const tablet = tablets[index % tablets.length] as Stage['tablet'];
    activities.push({ name, kind, ...make({ hospital: plan.hospital, random, startMs, tablet }) });
  });
  return activities;
}
