import {
  download,
  knock,
  longSession,
  ordinaryPlace,
  shortExchange,
  strangeCaller,
  strangePlace,
  upload,
} from '../connections';
import { REACHED } from '../reached-services';
import { hostDraft } from '../event-drafts';
import type { SimulatedDevice } from '../hospital/model';
import { SERVICE_ACCOUNTS, studyName } from '../host-work';
import { amountOf, type Script, type Stage } from './activity';
import { isHost } from '../host-agents';
import { Storyline, ofAddress, ofDevice, ofPerson, oneOf, somebody, somebodyAtDesk } from './storyline';

const MINUTE_MS = 60_000;

/** A modality whose operating system gets no updates; undefined where the house has none. */
function legacyModality({ hospital, random }: Stage): SimulatedDevice | undefined {
  const devices = hospital.devicesOf('imaging').filter(({ isLegacy }) => isLegacy);
  return devices.length === 0 ? undefined : random.pick(devices);
}

/** Hosts that a modality could reach, without those given. */
function hostsBeside(
  { hospital, random }: Stage,
  count: number,
  ...without: readonly SimulatedDevice[]
): SimulatedDevice[] {
  return random.sample(
    hospital.devices.filter((device) => isHost(device) && !without.includes(device)),
    count,
  );
}

/** Copies itself to some hosts and starts there. */
function settleOn(story: Storyline, from: SimulatedDevice, hosts: readonly SimulatedDevice[], usualMs: number): void {
  const { random } = story.stage;
  const account = random.pick(Object.values(SERVICE_ACCOUNTS));
  story.repeat(hosts.length, usualMs, (index) => {
    const host = hosts[index] as SimulatedDevice;
    story.connect(from, host, REACHED.smb, upload(5_000_000, random));
    story.run(host, `cmd.exe /c C:\\ProgramData\\cache\\${random.integer(1000, 9999)}.bat`, 'services.exe', account);
  });
}

/** A medium that is put into a device. */
export function attachMedium(story: Storyline, device: SimulatedDevice, isKnown: boolean): void {
  const media = { type: 'usb-storage', uid: `usb-${story.stage.random.integer(100_000, 999_999)}`, known: isKnown };
  story.add(hostDraft(story.nowMs, 'device.media-attached', device.view, { media }));
}

const usbMedium: Script = {
  attack: 'legacy-lateral-movement',
  kind: 'attack',
  name: 'legacy-usb-medium',
  source: 'a European hospital in 2023: a worm that came home from a congress on a medium',
  durationMsMax: 80 * MINUTE_MS,
  play: (stage) => {
    const modality = legacyModality(stage);
    if (modality === undefined) return undefined;
    const story = new Storyline(stage);
    attachMedium(story, modality, false);
    story.pass(5 * MINUTE_MS);
    const hosts = hostsBeside(stage, amountOf(stage, 16, 9), modality);
    story.repeat(hosts.length, 45 * MINUTE_MS, (index) =>
      story.connect(modality, hosts[index] as SimulatedDevice, REACHED.smb, shortExchange(stage.random)),
    );
    const detectableAtMs = story.nowMs;
    settleOn(story, modality, hosts.slice(0, 4), 20 * MINUTE_MS);
    const outside = strangePlace(stage.hospital, stage.random);
    story.repeat(4, 8 * MINUTE_MS, () => story.connect(modality, outside, REACHED.web, shortExchange(stage.random)));
    return story.course([ofDevice(modality), ...hosts.slice(0, 4).map(ofDevice)], detectableAtMs);
  },
};

const fileShareScan: Script = {
  attack: 'legacy-lateral-movement',
  kind: 'attack',
  name: 'legacy-file-share-scan',
  source: 'the worm of May 2017: scanners that could not be updated passed it on',
  durationMsMax: 45 * MINUTE_MS,
  play: (stage) => {
    const modality = legacyModality(stage);
    const entry = oneOf(stage, 'workstation');
    if (modality === undefined || entry === undefined) return undefined;
    const story = new Storyline(stage);
    story.connect(entry, modality, REACHED.smb, upload(5_000_000, stage.random));
    story.pass(5 * MINUTE_MS);
    const hosts = hostsBeside(stage, amountOf(stage, 40, 20), modality, entry);
    story.repeat(hosts.length, 20 * MINUTE_MS, (index) =>
      story.connect(modality, hosts[index] as SimulatedDevice, REACHED.smb, knock(stage.random)),
    );
    const detectableAtMs = story.nowMs;
    settleOn(story, modality, hosts.slice(0, 5), 15 * MINUTE_MS);
    return story.course([ofDevice(modality), ofDevice(entry), ...hosts.slice(0, 5).map(ofDevice)], detectableAtMs);
  },
};

const remoteDesktopHop: Script = {
  attack: 'legacy-lateral-movement',
  kind: 'attack',
  name: 'legacy-remote-desktop-hop',
  source: 'clinics in 2018: remote desktop of a supplier, from there to the servers',
  durationMsMax: 150 * MINUTE_MS,
  play: (stage) => {
    const modality = legacyModality(stage);
    const archive = oneOf(stage, 'image-archive');
    if (modality === undefined || archive === undefined) return undefined;
    const { random } = stage;
    const caller = strangeCaller(stage.hospital, random);
    const outside = strangePlace(stage.hospital, random);
    const story = new Storyline(stage);
    story.connect(caller, modality, REACHED.remoteDesktop, longSession(100 * MINUTE_MS, random));
    story.pass(10 * MINUTE_MS);
    const detectableAtMs = story.nowMs;
    const hosts = [archive, ...hostsBeside(stage, amountOf(stage, 3, 2), modality, archive)];
    story.repeat(hosts.length, 70 * MINUTE_MS, (index) => {
      story.connect(
        modality,
        hosts[index] as SimulatedDevice,
        REACHED.remoteDesktop,
        longSession(15 * MINUTE_MS, random),
      );
    });
    story.run(archive, 'net.exe view /all', 'explorer.exe', SERVICE_ACCOUNTS.imaging);
    story.repeat(amountOf(stage, 6, 3), 40 * MINUTE_MS, () => {
      story.connect(modality, archive, REACHED.smb, download(300_000_000, random));
      story.connect(modality, outside, REACHED.web, upload(200_000_000, random));
    });
    return story.course(
      [ofDevice(modality), ofDevice(archive), ofAddress(caller.ip), ofAddress(outside.ip)],
      detectableAtMs,
    );
  },
};

const supplierService: Script = {
  attack: 'legacy-lateral-movement',
  kind: 'benign-twin',
  name: 'supplier-service',
  source: 'the supplier of a scanner works on it from afar, under a ticket',
  durationMsMax: 120 * MINUTE_MS,
  beginHours: [6, 7, 8, 9, 10, 11, 12, 13, 14],
  play: (stage) => {
    const modality = legacyModality(stage);
    const archive = oneOf(stage, 'image-archive');
    const technician = somebody(stage, 'biomedical-technician');
    if (modality === undefined || archive === undefined || technician === undefined) return undefined;
    const { random } = stage;
    const story = new Storyline(stage);
    const ticket = story.announce(modality, technician.user, 'remote service of the supplier', 120);
    story.pass(10 * MINUTE_MS);
    story.connect(
      ordinaryPlace(stage.hospital, random),
      modality,
      REACHED.remoteDesktop,
      longSession(70 * MINUTE_MS, random),
    );
    story.repeat(amountOf(stage, 4), 60 * MINUTE_MS, () => {
      story.connect(modality, archive, REACHED.smb, download(80_000_000, random));
    });
    story.connect(modality, archive, REACHED.remoteDesktop, longSession(10 * MINUTE_MS, random));
    story.pass(20 * MINUTE_MS);
    story.conclude(modality, technician.user, ticket);
    return story.course([ofDevice(modality), ofPerson(technician.user)], null);
  },
};

const announcedScan: Script = {
  attack: 'legacy-lateral-movement',
  kind: 'benign-twin',
  name: 'announced-scan',
  source: 'a search for weaknesses that the IT department announced',
  durationMsMax: 150 * MINUTE_MS,
  play: (stage) => {
    const admin = somebody(stage, 'it-administrator');
    const modality = legacyModality(stage);
    if (admin === undefined || modality === undefined) return undefined;
    const scanner = oneOf(stage, 'workstation', admin.user.ward) ?? oneOf(stage, 'update-server');
    if (scanner === undefined) return undefined;
    const story = new Storyline(stage);
    const ticket = story.announce(scanner, admin.user, 'search for weaknesses', 180);
    story.pass(10 * MINUTE_MS);
    const hosts = [modality, ...hostsBeside(stage, amountOf(stage, 30), scanner)];
    const services = [REACHED.smb, REACHED.remoteDesktop, REACHED.shell, REACHED.web];
    story.repeat(hosts.length, 120 * MINUTE_MS, (index) => {
      for (const service of services)
        story.connect(scanner, hosts[index] as SimulatedDevice, service, knock(stage.random));
    });
    story.pass(10 * MINUTE_MS);
    story.conclude(scanner, admin.user, ticket);
    return story.course([ofDevice(scanner), ofPerson(admin.user)], null);
  },
};

const imagesOnMedium: Script = {
  attack: 'legacy-lateral-movement',
  kind: 'benign-twin',
  name: 'images-on-medium',
  source: 'a patient brings earlier images along on a medium',
  durationMsMax: 60 * MINUTE_MS,
  beginHours: [6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
  play: (stage) => {
    const modality = legacyModality(stage);
    const archive = oneOf(stage, 'image-archive');
    const desk = somebodyAtDesk(stage);
    if (modality === undefined || archive === undefined || desk === undefined) return undefined;
    const { random } = stage;
    const story = new Storyline(stage);
    attachMedium(story, modality, false);
    story.repeat(amountOf(stage, 12), 40 * MINUTE_MS, () =>
      story.connect(modality, archive, REACHED.images, upload(60_000_000, random)),
    );
    story.run(desk.seat, `viewer.exe "D:\\cache\\${studyName(random)}.dcm"`, 'explorer.exe', desk.person.user);
    return story.course([ofDevice(modality), ofPerson(desk.person.user)], null);
  },
};

/** Ways through a modality without updates to the rest of the house, and what looks like them. */
export const LEGACY_LATERAL_MOVEMENT_SCRIPTS: readonly Script[] = [
  usbMedium,
  fileShareScan,
  remoteDesktopHop,
  supplierService,
  announcedScan,
  imagesOnMedium,
];
