import type { EndpointView, UserView } from '../event-drafts';
import type { SimulatedDevice, StaffMember } from '../hospital/model';
import {
  LOG_AGENT,
  SERVICE_ACCOUNTS,
  backupFile,
  commandDraft,
  commandOf,
  documentFile,
  hostFileDraft,
  studyFile,
  unreadable,
} from '../host-work';
import { download, ordinaryPlace, shortExchange, strangeCaller, strangePlace, upload } from '../connections';
import { REACHED } from '../reached-services';
import { amountOf, type Script, type Stage } from './activity';
import { RANSOMWARE_TWINS } from './ransomware-twins';
import { Storyline, ofDevice, ofPerson, oneOf, somebody, somebodyAtDesk } from './storyline';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Who and what a course is about. */
interface Cast {
  readonly seat: SimulatedDevice;
  readonly person: StaffMember;
  readonly admin: StaffMember;
  readonly fileServer: SimulatedDevice;
  readonly backupServer: SimulatedDevice;
  readonly outside: EndpointView;
}

function castOf(stage: Stage): Cast | undefined {
  const desk = somebodyAtDesk(stage);
  const admin = somebody(stage, 'it-administrator');
  const fileServer = oneOf(stage, 'file-server');
  const backupServer = oneOf(stage, 'backup-server');
  if (desk === undefined || admin === undefined || fileServer === undefined || backupServer === undefined)
    return undefined;
  return { ...desk, admin, fileServer, backupServer, outside: strangePlace(stage.hospital, stage.random) };
}

const DISCOVERY_LINES = [
  'whoami.exe /groups',
  'net.exe group "domain admins" /domain',
  'nltest.exe /domain_trusts',
  'net.exe view /all',
  'nltest.exe /dclist:hospital',
  'systeminfo.exe',
  'net.exe localgroup administrators',
  'cmd.exe /c arp -a',
  'powershell.exe -NoProfile -Command Get-ADComputer -Filter *',
] as const;

/** Looks round: who has power, what machines there are. */
function discover(story: Storyline, device: SimulatedDevice, user: UserView, usualMs: number): void {
  const count = Math.min(DISCOVERY_LINES.length, amountOf(story.stage, 8, 7));
  const lines = story.stage.random.sample(DISCOVERY_LINES, count);
  story.repeat(count, usualMs, (index) => story.run(device, lines[index] as string, 'cmd.exe', user));
}

/** Goes from one machine to many, and runs something on some of them. */
function spread(story: Storyline, from: SimulatedDevice, user: UserView, usualMs: number): void {
  const { hospital, random } = story.stage;
  const hosts = random.sample(
    hospital.devices.filter(
      ({ view }) => (view.type === 'workstation' || view.type.endsWith('-server')) && view !== from.view,
    ),
    amountOf(story.stage, 20, 12),
  );
  story.repeat(hosts.length, usualMs, (index) => {
    const host = hosts[index] as SimulatedDevice;
    story.connect(
      from,
      host,
      random.pick([REACHED.smb, REACHED.procedureCalls, REACHED.remoteManagement]),
      shortExchange(random),
    );
    if (index % 3 !== 2) return;
    const parent = random.pick(['psexesvc.exe', 'wmiprvse.exe', 'services.exe']);
    story.run(host, `cmd.exe /c C:\\ProgramData\\cache\\${random.integer(1000, 9999)}.bat`, parent, user);
  });
}

/** Takes away what could bring files back. */
function removeRecovery(story: Storyline, host: SimulatedDevice, user: UserView, lines: readonly string[]): void {
  for (const line of lines) {
    story.pass(40_000);
    story.run(host, line, 'cmd.exe', user);
  }
}

const SHADOW_LINES = [
  'vssadmin.exe delete shadows /all /quiet',
  'bcdedit.exe /set {default} recoveryenabled no',
] as const;
const CATALOGUE_LINES = ['wmic.exe shadowcopy delete', 'wbadmin.exe delete catalog -quiet'] as const;

function deleteBackups(story: Storyline, server: SimulatedDevice, user: UserView, usualMs: number): void {
  const { random } = story.stage;
  story.repeat(amountOf(story.stage, 40, 24), usualMs, () => {
    story.add(hostFileDraft(story.nowMs, server.view, 'deleted', backupFile(random), user));
  });
}

function encryptDocuments(
  story: Storyline,
  server: SimulatedDevice,
  user: UserView,
  activity: 'changed' | 'renamed',
  usualMs: number,
): void {
  const { random, hospital } = story.stage;
  story.repeat(amountOf(story.stage, 220, 110), usualMs, () => {
    const file = unreadable(documentFile(random, random.pick(hospital.wards).name), random);
    story.add(hostFileDraft(story.nowMs, server.view, activity, file, user));
  });
}

function entitiesOf({ seat, person, admin, fileServer, backupServer }: Cast) {
  return [ofDevice(seat), ofPerson(person.user), ofPerson(admin.user), ofDevice(fileServer), ofDevice(backupServer)];
}

const macroDocument: Script = {
  attack: 'ransomware',
  kind: 'attack',
  name: 'ransomware-macro-document',
  source: 'national health service of Ireland 2021: an attached workbook, weeks of reach, then everything at once',
  durationMsMax: 110 * MINUTE_MS,
  beginHours: [6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  play: (stage) => {
    const cast = castOf(stage);
    if (cast === undefined) return undefined;
    const { seat, person, admin, fileServer, backupServer, outside } = cast;
    const { random } = stage;
    const story = new Storyline(stage);
    story.pass(MINUTE_MS);
    story.run(
      seat,
      `winword.exe /n "C:\\Users\\${person.user.uid}\\AppData\\Local\\Temp\\referral-${random.integer(1000, 9999)}.docm"`,
      'outlook.exe',
      person.user,
    );
    story.pass(MINUTE_MS);
    story.run(
      seat,
      `powershell.exe -NoProfile -WindowStyle Hidden -EncodedCommand SQBFAFgAIAAoA${random.integer(1000, 9999)}`,
      'winword.exe',
      person.user,
    );
    const detectableAtMs = story.nowMs;
    story.connect(seat, outside, REACHED.web, download(3_000_000, random));
    story.repeat(5, 10 * MINUTE_MS, () => story.connect(seat, outside, REACHED.web, shortExchange(random)));
    discover(story, seat, person.user, 12 * MINUTE_MS);
    story.pass(10 * MINUTE_MS);
    story.run(
      seat,
      `rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump ${random.integer(500, 900)} C:\\ProgramData\\cache\\${random.integer(1000, 9999)}.tmp full`,
      'powershell.exe',
      person.user,
    );
    spread(story, seat, admin.user, 30 * MINUTE_MS);
    removeRecovery(story, fileServer, admin.user, SHADOW_LINES);
    removeRecovery(story, backupServer, admin.user, CATALOGUE_LINES);
    deleteBackups(story, backupServer, admin.user, 6 * MINUTE_MS);
    encryptDocuments(story, fileServer, admin.user, 'changed', 10 * MINUTE_MS);
    return story.course(entitiesOf(cast), detectableAtMs);
  },
};

const remoteAccessTool: Script = {
  attack: 'ransomware',
  kind: 'attack',
  name: 'ransomware-remote-access-tool',
  source:
    'extortion of clinics 2022 to 2024: a caller who says to be the help desk, a remote support tool, theft before encryption',
  durationMsMax: 6 * HOUR_MS,
  beginHours: [6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  play: (stage) => {
    const cast = castOf(stage);
    if (cast === undefined) return undefined;
    const { seat, person, admin, fileServer, backupServer, outside } = cast;
    const { random } = stage;
    const story = new Storyline(stage);
    story.pass(MINUTE_MS);
    story.run(seat, 'quickassist.exe', 'explorer.exe', person.user);
    story.connect(seat, ordinaryPlace(stage.hospital, random), REACHED.web, upload(9_000_000, random));
    discover(story, seat, person.user, 20 * MINUTE_MS);
    const detectableAtMs = story.nowMs;
    story.pass(10 * MINUTE_MS);
    story.run(
      seat,
      `reg.exe save HKLM\\SAM C:\\ProgramData\\cache\\${random.integer(1000, 9999)}.hiv`,
      'cmd.exe',
      person.user,
    );
    story.pass(20 * MINUTE_MS);
    story.connect(seat, fileServer, REACHED.remoteDesktop, download(40_000_000, random));
    story.repeat(amountOf(stage, 24, 12), 120 * MINUTE_MS, () =>
      story.connect(fileServer, outside, REACHED.web, upload(700_000_000 * stage.volume, random)),
    );
    story.pass(20 * MINUTE_MS);
    story.run(
      fileServer,
      'powershell.exe -NoProfile -Command Set-MpPreference -DisableRealtimeMonitoring $true',
      'cmd.exe',
      admin.user,
    );
    story.run(fileServer, `sc.exe stop ${LOG_AGENT}`, 'cmd.exe', admin.user);
    spread(story, fileServer, admin.user, 60 * MINUTE_MS);
    removeRecovery(story, fileServer, admin.user, CATALOGUE_LINES);
    deleteBackups(story, backupServer, admin.user, 20 * MINUTE_MS);
    encryptDocuments(story, fileServer, admin.user, 'renamed', 15 * MINUTE_MS);
    return story.course(entitiesOf(cast), detectableAtMs);
  },
};

const imageArchive: Script = {
  attack: 'ransomware',
  kind: 'attack',
  name: 'ransomware-image-archive',
  source:
    'imaging services 2019 to 2023: a service open to the Internet, commands through it, a fast encryptor on the archive',
  durationMsMax: 50 * MINUTE_MS,
  play: (stage) => {
    const archive = oneOf(stage, 'image-archive');
    if (archive === undefined) return undefined;
    const { random } = stage;
    const user = SERVICE_ACCOUNTS.imaging;
    const story = new Storyline(stage);
    story.connect(strangeCaller(stage.hospital, random), archive, REACHED.web, upload(600_000, random));
    story.pass(MINUTE_MS);
    story.add(commandDraft(story.nowMs, archive.view, commandOf('cmd.exe /c whoami.exe /groups', 'w3wp.exe'), user));
    const detectableAtMs = story.nowMs;
    discover(story, archive, user, 12 * MINUTE_MS);
    story.pass(10 * MINUTE_MS);
    story.run(
      archive,
      'powershell.exe -NoProfile -Command Set-MpPreference -DisableRealtimeMonitoring $true',
      'cmd.exe',
      user,
    );
    removeRecovery(story, archive, user, SHADOW_LINES);
    story.repeat(amountOf(stage, 180, 90), 5 * MINUTE_MS, () => {
      const file = studyFile(random);
      story.add(hostFileDraft(story.nowMs, archive.view, 'created', unreadable(file, random), user));
      story.add(hostFileDraft(story.nowMs, archive.view, 'deleted', file, user));
    });
    return story.course([ofDevice(archive), ofPerson(user)], detectableAtMs);
  },
};

/** Encryption of what a hospital works with, from the first document to the last file, and what looks like it. */
export const RANSOMWARE_SCRIPTS: readonly Script[] = [
  macroDocument,
  remoteAccessTool,
  imageArchive,
  ...RANSOMWARE_TWINS,
];
