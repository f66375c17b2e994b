import { upload } from '../connections';
import { REACHED } from '../reached-services';
import { deviceDraft, endpointOf, type UserView } from '../event-drafts';
import { firmwareRelease, releaseBefore, strangeFirmware, type Firmware } from '../firmware-releases';
import type { SimulatedDevice } from '../hospital/model';
import { amountOf, type Script, type Stage } from './activity';
import { Storyline, ofDevice, ofPerson, oneOf, somebody } from './storyline';

const MINUTE_MS = 60_000;

/** Pumps of one ward, at most so many; none where the house has no pumps. */
function pumpsOf({ hospital, random }: Stage, count: number): SimulatedDevice[] {
  const pumps = hospital.devicesOf('infusion-pump');
  if (pumps.length === 0) return [];
  const { ward } = random.pick(pumps).view;
  return random.sample(hospital.devicesOf('infusion-pump', ward), count);
}

/** Where technicians work on devices from: their workstation in the clinical zone; undefined where the house has none. */
export function maintenanceStation({
  hospital,
  random,
}: Pick<Stage, 'hospital' | 'random'>): SimulatedDevice | undefined {
  const stations = hospital.devicesOf('workstation').filter(({ zone }) => zone === 'clinical');
  return stations.length === 0 ? undefined : random.pick(stations);
}

/** Firmware that came to a device. */
export function firmwareFacts(
  { version, digest }: Firmware,
  previous: Firmware,
  signed: boolean,
  from: SimulatedDevice,
  user?: UserView,
) {
  const { ip, hostname, zone } = endpointOf(from);
  return {
    version,
    previous_version: previous.version,
    signed,
    digest,
    ...(user === undefined ? {} : { actor: { user } }),
    src_endpoint: { ip, hostname, zone },
  };
}

/** A setting of a device that was changed from somewhere. */
export function settingFacts(setting: string, value: string, previous: string, from: SimulatedDevice, user?: UserView) {
  const { ip, hostname, zone } = endpointOf(from);
  return {
    setting,
    value,
    previous_value: previous,
    ...(user === undefined ? {} : { actor: { user } }),
    src_endpoint: { ip, hostname, zone },
  };
}

/** Account of a technician, which whoever tampers with devices uses too. */
function technicianOf(stage: Stage): UserView | undefined {
  return somebody(stage, 'biomedical-technician')?.user;
}

function install(
  story: Storyline,
  pump: SimulatedDevice,
  from: SimulatedDevice,
  firmware: Firmware,
  signed: boolean,
  user?: UserView,
): void {
  const { random } = story.stage;
  const previous = firmwareRelease(pump.view.type, releaseBefore(story.stage.hospital.seed, pump, story.nowMs));
  story.connect(from, pump, REACHED.shell, upload(14_000_000, random));
  story.pass(2 * MINUTE_MS);
  const facts = firmwareFacts(firmware, previous, signed, from, user);
  story.add(deviceDraft(story.nowMs, 'biomed-gateway', 'device.firmware-changed', pump.view, facts));
}

const unsignedFirmware: Script = {
  attack: 'pump-firmware-tampering',
  kind: 'attack',
  name: 'pump-unsigned-firmware',
  source: 'advisories of 2015 and 2021 about pumps that take firmware without asking who made it',
  durationMsMax: 60 * MINUTE_MS,
  play: (stage) => {
    const pumps = pumpsOf(stage, amountOf(stage, 3));
    const from = oneOf(stage, 'workstation', pumps[0]?.view.ward) ?? oneOf(stage, 'workstation');
    if (pumps.length === 0 || from === undefined) return undefined;
    const story = new Storyline(stage);
    const user = technicianOf(stage);
    let detectableAtMs = 0;
    for (const pump of pumps) {
      const next = firmwareRelease('infusion-pump', releaseBefore(story.stage.hospital.seed, pump, story.nowMs) + 3);
      install(story, pump, from, strangeFirmware(stage.random, next.version), false, user);
      detectableAtMs ||= story.nowMs;
      story.pass(8 * MINUTE_MS);
    }
    return story.course([...pumps.map(ofDevice), ofDevice(from)], detectableAtMs);
  },
};

const olderFirmware: Script = {
  attack: 'pump-firmware-tampering',
  kind: 'attack',
  name: 'pump-older-firmware',
  source: 'research on pumps in 2021: back to a signed release whose holes are known',
  durationMsMax: 90 * MINUTE_MS,
  play: (stage) => {
    const pumps = pumpsOf(stage, amountOf(stage, 4));
    const from = oneOf(stage, 'patient-monitor', pumps[0]?.view.ward);
    if (pumps.length === 0 || from === undefined) return undefined;
    const story = new Storyline(stage);
    const user = technicianOf(stage);
    let detectableAtMs = 0;
    for (const pump of pumps) {
      const older = Math.max(
        0,
        releaseBefore(story.stage.hospital.seed, pump, story.nowMs) - stage.random.integer(5, 15),
      );
      install(story, pump, from, firmwareRelease('infusion-pump', older), true, user);
      detectableAtMs ||= story.nowMs;
      story.pass(8 * MINUTE_MS);
    }
    return story.course([...pumps.map(ofDevice), ofDevice(from)], detectableAtMs);
  },
};

const doctoredFirmware: Script = {
  attack: 'pump-firmware-tampering',
  kind: 'attack',
  name: 'pump-doctored-firmware',
  source: 'supply chains in 2020 and 2023: a signature that holds over what the maker never released',
  durationMsMax: 80 * MINUTE_MS,
  play: (stage) => {
    const pumps = pumpsOf(stage, amountOf(stage, 4, 2));
    const from = maintenanceStation(stage);
    if (pumps.length === 0 || from === undefined) return undefined;
    const story = new Storyline(stage);
    const user = technicianOf(stage);
    let detectableAtMs = 0;
    for (const pump of pumps) {
      // A number that the maker has yet to give; every pump gets a build of its own.
      const { version } = firmwareRelease(
        'infusion-pump',
        releaseBefore(story.stage.hospital.seed, pump, story.nowMs) + 2,
      );
      install(story, pump, from, strangeFirmware(stage.random, version), true, user);
      detectableAtMs ||= story.nowMs;
      story.pass(8 * MINUTE_MS);
    }
    return story.course([...pumps.map(ofDevice), ofDevice(from)], detectableAtMs);
  },
};

const doseLimits: Script = {
  attack: 'pump-firmware-tampering',
  kind: 'attack',
  name: 'pump-dose-limits',
  source: 'advisories of 2014 and 2015: drug libraries and limits that anybody on the network may change',
  durationMsMax: 60 * MINUTE_MS,
  play: (stage) => {
    const pumps = pumpsOf(stage, amountOf(stage, 5, 2));
    const from = oneOf(stage, 'tablet', pumps[0]?.view.ward) ?? oneOf(stage, 'workstation');
    if (pumps.length === 0 || from === undefined) return undefined;
    const { random } = stage;
    const story = new Storyline(stage);
    const user = technicianOf(stage);
    let detectableAtMs = 0;
    for (const pump of pumps) {
      story.connect(from, pump, REACHED.web, upload(20_000, random));
      story.pass(MINUTE_MS);
      const usual = random.integer(20, 120);
      const facts = settingFacts('dose-limit', `${usual * random.integer(3, 9)} ml/h`, `${usual} ml/h`, from, user);
      story.add(deviceDraft(story.nowMs, 'biomed-gateway', 'device.config-changed', pump.view, facts));
      detectableAtMs ||= story.nowMs;
      story.pass(6 * MINUTE_MS);
    }
    return story.course([...pumps.map(ofDevice), ofDevice(from)], detectableAtMs);
  },
};

const plannedRollOut: Script = {
  attack: 'pump-firmware-tampering',
  kind: 'benign-twin',
  name: 'planned-firmware-roll-out',
  source: 'a release of the maker, ward by ward, under a ticket',
  durationMsMax: 4 * 60 * MINUTE_MS,
  beginHours: [7, 8, 9, 10, 11, 12],
  play: (stage) => {
    const pumps = pumpsOf(stage, amountOf(stage, 8));
    const technician = somebody(stage, 'biomedical-technician');
    const from = maintenanceStation(stage);
    if (pumps.length === 0 || technician === undefined || from === undefined) return undefined;
    const story = new Storyline(stage);
    for (const pump of pumps) {
      const ticket = story.announce(pump, technician.user, 'firmware of the maker', 30);
      story.pass(5 * MINUTE_MS);
      const next = firmwareRelease('infusion-pump', releaseBefore(story.stage.hospital.seed, pump, story.nowMs) + 1);
      install(story, pump, from, next, true, technician.user);
      story.pass(5 * MINUTE_MS);
      story.conclude(pump, technician.user, ticket);
      story.pass(4 * MINUTE_MS);
    }
    return story.course([...pumps.map(ofDevice), ofPerson(technician.user)], null);
  },
};

const drugLibraryRelease: Script = {
  attack: 'pump-firmware-tampering',
  kind: 'benign-twin',
  name: 'drug-library-release',
  source: 'the pharmacy releases the drug library of the quarter, and limits follow',
  durationMsMax: 3 * 60 * MINUTE_MS,
  beginHours: [7, 8, 9, 10, 11, 12],
  play: (stage) => {
    const pumps = pumpsOf(stage, amountOf(stage, 8));
    const technician = somebody(stage, 'biomedical-technician');
    const from = maintenanceStation(stage);
    if (pumps.length === 0 || technician === undefined || from === undefined) return undefined;
    const { random } = stage;
    const story = new Storyline(stage);
    const quarter = Math.floor(stage.startMs / 7_889_000_000);
    for (const pump of pumps) {
      const ticket = story.announce(pump, technician.user, 'drug library of the quarter', 20);
      story.pass(4 * MINUTE_MS);
      const change = (setting: string, value: string, previous: string): void => {
        const facts = settingFacts(setting, value, previous, from, technician.user);
        story.add(deviceDraft(story.nowMs, 'biomed-gateway', 'device.config-changed', pump.view, facts));
      };
      change('drug-library-version', `${quarter}`, `${quarter - 1}`);
      story.pass(MINUTE_MS);
      const usual = random.integer(20, 120);
      change('dose-limit', `${usual + random.integer(1, 30)} ml/h`, `${usual} ml/h`);
      story.pass(4 * MINUTE_MS);
      story.conclude(pump, technician.user, ticket);
      story.pass(4 * MINUTE_MS);
    }
    return story.course([...pumps.map(ofDevice), ofPerson(technician.user)], null);
  },
};

/** Pumps whose software or limits somebody changes who must not, and work on pumps that looks like it. */
export const PUMP_FIRMWARE_TAMPERING_SCRIPTS: readonly Script[] = [
  unsignedFirmware,
  olderFirmware,
  doctoredFirmware,
  doseLimits,
  plannedRollOut,
  drugLibraryRelease,
];
