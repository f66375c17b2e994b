import { LEGACY_LATERAL_MOVEMENT_SCRIPTS } from '../attacks/legacy-lateral-movement';
import { LOG_SOURCE_SILENCING_SCRIPTS } from '../attacks/log-source-silencing';
import {
  PUMP_FIRMWARE_TAMPERING_SCRIPTS,
  firmwareFacts,
  maintenanceStation,
  settingFacts,
} from '../attacks/pump-firmware-tampering';
import { RANSOMWARE_SCRIPTS } from '../attacks/ransomware';
import { ROGUE_ACCESS_POINT_SCRIPTS } from '../attacks/rogue-access-point';
import type { Stage } from '../attacks/activity';
import { Storyline, oneOf, somebody } from '../attacks/storyline';
import { shortExchange, upload } from '../connections';
import { REACHED } from '../reached-services';
import type { EventDraft } from '../draft';
import { deviceDraft } from '../event-drafts';
import { FIRMWARE_CLASSES, firmwareRelease, isRollOutDay, releaseOnDay } from '../firmware-releases';
import { SERVICE_ACCOUNTS } from '../host-work';
import type { DeviceClass, Hospital, SimulatedDevice } from '../hospital/model';
import { SeededRandom } from '../random';
import type { Life, Slice } from './life';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Work of a day that goes on past midnight ends on the next. */
const DAYS_BACK = 1;
/** Plans of days that are kept for each hospital: those of the days that slices ask for, and some before. */
const PLANS_MAX = 8;

/** Work on the house: a course of drafts that begins at the stage's time. */
interface Job {
  /** How often a day, in a house of a hundred beds. */
  readonly perDay: number;
  /** First and last hour (UTC) in which it begins. */
  readonly hours: readonly [number, number];
  readonly drafts: (stage: Stage) => readonly EventDraft[];
}

/** Harmless activities that are planted with labels are part of ordinary life too. */
function planted(name: string, perDay: number, hours: Job['hours']): Job {
  const script = [
    ...RANSOMWARE_SCRIPTS,
    ...LEGACY_LATERAL_MOVEMENT_SCRIPTS,
    ...PUMP_FIRMWARE_TAMPERING_SCRIPTS,
    ...ROGUE_ACCESS_POINT_SCRIPTS,
    ...LOG_SOURCE_SILENCING_SCRIPTS,
  ].find((each) => each.name === name && each.kind === 'benign-twin');
  return { perDay, hours, drafts: (stage) => script?.play(stage)?.drafts ?? [] };
}

const JOBS: readonly Job[] = [
  planted('shadow-copies-cleared', 0.15, [16, 22]),
  planted('archive-compression', 0.1, [18, 22]),
  planted('letters-rewritten', 0.25, [7, 12]),
  planted('remote-support', 1.5, [6, 15]),
  planted('supplier-service', 0.2, [7, 14]),
  planted('announced-scan', 0.08, [18, 22]),
  planted('images-on-medium', 0.4, [7, 16]),
  planted('drug-library-release', 0.1, [7, 12]),
  planted('access-point-replaced', 0.1, [7, 15]),
  planted('logs-archived', 0.25, [8, 18]),
  { perDay: 4, hours: [6, 15], drafts: (stage) => yearlyCheck(stage) },
  { perDay: 12, hours: [0, 23], drafts: (stage) => bedsideSetting(stage) },
  { perDay: 1.5, hours: [7, 15], drafts: (stage) => limitFollowsOrder(stage) },
  { perDay: 1, hours: [19, 23], drafts: (stage) => softwareDistribution(stage) },
  { perDay: 0.7, hours: [8, 17], drafts: (stage) => commandsFromAfar(stage) },
  { perDay: 0.3, hours: [17, 21], drafts: (stage) => serverPatched(stage) },
];

/** Technicians check a device: settings, a connection from their station, under a ticket. */
function yearlyCheck(stage: Stage): readonly EventDraft[] {
  const type = stage.random.pick(['infusion-pump', 'patient-monitor', 'ventilator', 'central-station'] as const);
  const device = oneOf(stage, type);
  const technician = somebody(stage, 'biomedical-technician');
  const station = maintenanceStation(stage);
  if (device === undefined || technician === undefined || station === undefined) return [];
  const story = new Storyline(stage);
  const ticket = story.announce(device, technician.user, 'yearly check', 60);
  story.pass(8 * MINUTE_MS);
  story.connect(station, device, REACHED.shell, shortExchange(stage.random));
  for (const setting of stage.random.sample(BEDSIDE_SETTINGS, 2)) {
    story.pass(5 * MINUTE_MS);
    const facts = settingFacts(
      setting,
      String(stage.random.integer(1, 9)),
      String(stage.random.integer(1, 9)),
      station,
      technician.user,
    );
    story.add(deviceDraft(story.nowMs, 'biomed-gateway', 'device.config-changed', device.view, facts));
  }
  story.pass(15 * MINUTE_MS);
  story.conclude(device, technician.user, ticket);
  return story.drafts;
}

const BEDSIDE_SETTINGS = ['alarm-volume', 'alarm-limit', 'display-brightness', 'network-profile'] as const;

/** Somebody at the bed changes what may be changed there. */
function bedsideSetting(stage: Stage): readonly EventDraft[] {
  const { random } = stage;
  const device = oneOf(stage, random.pick(['infusion-pump', 'patient-monitor'] as const));
  if (device === undefined) return [];
  const setting = random.pick(BEDSIDE_SETTINGS);
  const facts = settingFacts(setting, String(random.integer(1, 9)), String(random.integer(1, 9)), device);
  return [deviceDraft(stage.startMs, 'biomed-gateway', 'device.config-changed', device.view, facts)];
}

/** The limit of one pump is set as somebody ordered it, from the maintenance station and without a ticket. */
function limitFollowsOrder(stage: Stage): readonly EventDraft[] {
  const { random } = stage;
  const pump = oneOf(stage, 'infusion-pump');
  const technician = somebody(stage, 'biomedical-technician');
  const station = maintenanceStation(stage);
  if (pump === undefined || technician === undefined || station === undefined) return [];
  const usual = random.integer(20, 120);
  const facts = settingFacts(
    'dose-limit',
    `${usual + random.integer(1, 30)} ml/h`,
    `${usual} ml/h`,
    station,
    technician.user,
  );
  return [deviceDraft(stage.startMs, 'biomed-gateway', 'device.config-changed', pump.view, facts)];
}

/** The update server brings a program to many workstations. */
function softwareDistribution(stage: Stage): readonly EventDraft[] {
  const server = oneOf(stage, 'update-server');
  if (server === undefined) return [];
  const { hospital, random } = stage;
  const seats = random.sample(hospital.devicesOf('workstation'), random.integer(10, 30));
  const story = new Storyline(stage);
  const number = random.integer(1000, 9999);
  story.repeat(seats.length, 2 * HOUR_MS, (index) => {
    const seat = seats[index] as SimulatedDevice;
    story.connect(server, seat, random.pick([REACHED.smb, REACHED.remoteManagement]), upload(20_000_000, random));
    const parent = random.pick(['wmiprvse.exe', 'services.exe']);
    story.run(seat, `cmd.exe /c C:\\ProgramData\\cache\\${number}.bat`, parent, SERVICE_ACCOUNTS.deployment);
  });
  return story.drafts;
}

/** An administrator runs something on one machine or two without going there. */
function commandsFromAfar(stage: Stage): readonly EventDraft[] {
  const admin = somebody(stage, 'it-administrator');
  const { hospital, random } = stage;
  const desk = admin === undefined ? undefined : oneOf(stage, 'workstation', admin.user.ward);
  if (admin === undefined || desk === undefined) return [];
  const story = new Storyline(stage);
  for (const seat of random.sample(hospital.devicesOf('workstation'), random.integer(1, 2))) {
    story.pass(10 * MINUTE_MS);
    story.connect(desk, seat, REACHED.smb, shortExchange(random));
    story.run(seat, `cmd.exe /c C:\\ProgramData\\cache\\${random.integer(1000, 9999)}.bat`, 'psexesvc.exe', admin.user);
  }
  return story.drafts;
}

/** A server gets its patches, under a ticket. */
function serverPatched(stage: Stage): readonly EventDraft[] {
  const type = stage.random.pick(['ehr-server', 'file-server', 'image-archive', 'interface-server'] as const);
  const server = oneOf(stage, type);
  const admin = somebody(stage, 'it-administrator');
  if (server === undefined || admin === undefined) return [];
  const story = new Storyline(stage);
  const ticket = story.announce(server, admin.user, 'patches of the month', 120);
  for (const line of ['vssadmin.exe list shadows', 'wmic.exe qfe list', 'shutdown.exe /r /t 60']) {
    story.pass(15 * MINUTE_MS);
    story.run(server, line, 'cmd.exe', admin.user);
  }
  story.pass(30 * MINUTE_MS);
  story.conclude(server, admin.user, ticket);
  return story.drafts;
}

/** The devices of a class and ward get the maker's release, one after the other, under tickets. */
function rollOut(stage: Stage, type: DeviceClass, ward: string, day: number): readonly EventDraft[] {
  const technician = somebody(stage, 'biomedical-technician');
  const station = maintenanceStation(stage);
  if (technician === undefined || station === undefined) return [];
  const release = releaseOnDay(stage.hospital.seed, type, ward, day);
  const [next, previous] = [firmwareRelease(type, release), firmwareRelease(type, Math.max(0, release - 1))];
  const story = new Storyline(stage);
  for (const device of stage.hospital.devicesOf(type, ward)) {
    const ticket = story.announce(device, technician.user, 'firmware of the maker', 30);
    story.pass(3 * MINUTE_MS);
    story.connect(station, device, REACHED.shell, upload(14_000_000, stage.random));
    story.pass(2 * MINUTE_MS);
    const facts = firmwareFacts(next, previous, true, station, technician.user);
    story.add(deviceDraft(story.nowMs, 'biomed-gateway', 'device.firmware-changed', device.view, facts));
    story.pass(2 * MINUTE_MS);
    story.conclude(device, technician.user, ticket);
  }
  return story.drafts;
}

/** Everything that is done on a day, in event time. */
function planDay({ hospital, settings, seed }: Slice, day: number): readonly EventDraft[] {
  const beds = hospital.wards.reduce((sum, { bedCount }) => sum + bedCount, 0);
  const factor = (beds / 100) * settings.rates.hosts * settings.eventRateFactor;
  const stageAt = (random: SeededRandom, [first, last]: Job['hours']): Stage => ({
    hospital,
    random,
    startMs: day * DAY_MS + first * HOUR_MS + random.integer(0, (last - first + 1) * HOUR_MS - 1),
    pace: 1,
    volume: 1,
  });
  const drafts = JOBS.flatMap(({ perDay, hours, drafts: make }, index) => {
    const random = SeededRandom.ofStream(seed, `upkeep/${day}/${index}`);
    return Array.from({ length: random.times(perDay * factor) }, () => make(stageAt(random, hours))).flat();
  });
  for (const type of FIRMWARE_CLASSES) {
    for (const { name } of hospital.wards) {
      if (hospital.devicesOf(type, name).length === 0 || !isRollOutDay(seed, type, name, day)) continue;
      const random = SeededRandom.ofStream(seed, `roll-out/${day}/${type}/${name}`);
      drafts.push(...rollOut(stageAt(random, [7, 10]), type, name, day));
    }
  }
  return drafts.sort((a, b) => a.timeMs - b.timeMs);
}

const plansOfHouse = new WeakMap<Hospital, Map<string, readonly EventDraft[]>>();

function planOf(slice: Slice, day: number): readonly EventDraft[] {
  const { hospital, settings, seed } = slice;
  const plans = plansOfHouse.get(hospital) ?? new Map<string, readonly EventDraft[]>();
  plansOfHouse.set(hospital, plans);
  const key = `${seed}/${day}/${settings.rates.hosts * settings.eventRateFactor}`;
  const known = plans.get(key);
  if (known !== undefined) return known;
  if (plans.size >= PLANS_MAX) plans.delete(plans.keys().next().value as string);
  const plan = planDay(slice, day);
  plans.set(key, plan);
  return plan;
}

/** Work on the house: checks, firmware, settings, patches, support, scans, distribution of programs. */
export const UPKEEP_LIFE: Life = {
  name: 'upkeep',
  drafts: (slice) => {
    const today = Math.floor(slice.startMs / DAY_MS);
    const drafts: EventDraft[] = [];
    for (let day = today - DAYS_BACK; day <= today; day++) {
      for (const draft of planOf(slice, day))
        if (draft.timeMs >= slice.startMs && draft.timeMs < slice.endMs) drafts.push(draft);
    }
    return drafts;
  },
};
