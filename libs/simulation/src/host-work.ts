import { fileDraft, hostDraft, processDraft, type UserView } from './event-drafts';
import type { EventDraft } from './draft';
import type { DeviceView } from './hospital/model';
import type { SeededRandom } from './random';

// What runs on hosts and lies on their disks. Ordinary life and planted activities draw from here, so that names of programs
// and files tell nothing; what is asked of a program, how often and by whom does.

/** Accounts under which services of the house run. */
export const SERVICE_ACCOUNTS = {
  backup: { uid: 'svc-backup', role: 'service-account' },
  imaging: { uid: 'svc-imaging', role: 'service-account' },
  deployment: { uid: 'svc-deploy', role: 'service-account' },
  inventory: { uid: 'svc-inventory', role: 'service-account' },
} as const satisfies Readonly<Record<string, UserView>>;

/** Program that ships the logs of a host. */
export const LOG_AGENT = 'logship';

/** A command: program, command line, and the program that started it. */
export interface Command {
  readonly name: string;
  readonly line: string;
  readonly parent: string;
}

/** A command with a blank: `{n}` is a number, `{user}` the account, `{study}` a study's name, `{share}` a file share. */
function commands(parent: string, ...lines: readonly string[]): Command[] {
  return lines.map((line) => ({ name: (line.split(' ', 1)[0] as string).toLowerCase(), line, parent }));
}

const POWERSHELL = 'powershell.exe -NoProfile';

/** What management of the fleet runs on every host, day and night. */
const FLEET_COMMANDS: readonly Command[] = [
  ...commands(
    'swagent.exe',
    `${POWERSHELL} -ExecutionPolicy Bypass -File C:\\ProgramData\\swagent\\inventory-{n}.ps1`,
    `${POWERSHELL} -NonInteractive -EncodedCommand RwBlAHQALQBTAGUAcgB2AGkAYwBlAA{n}`,
    `${POWERSHELL} -Command Get-MpPreference`,
    `${POWERSHELL} -Command Get-HotFix`,
    'cmd.exe /c ipconfig /all',
    'cmd.exe /c ver',
    'net.exe use',
    'net.exe localgroup administrators',
    'wmic.exe os get lastbootuptime',
    'reg.exe query HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run',
    'sc.exe query spooler',
    `sc.exe query ${LOG_AGENT}`,
    'schtasks.exe /query /fo csv',
    'rundll32.exe printui.dll,PrintUIEntry /ga /n\\\\printer-{n}',
    'whoami.exe /upn',
    'nltest.exe /sc_verify:hospital',
    'vssadmin.exe list shadows',
    'wevtutil.exe gl Security',
    'auditpol.exe /get /category:*',
    'bcdedit.exe /enum',
    'systeminfo.exe /fo csv',
  ),
  ...commands('svchost.exe', 'msiexec.exe /i C:\\ProgramData\\swagent\\cache\\{n}.msi /qn', 'taskhostw.exe'),
];

/** What people start at a workstation. */
const DESK_COMMANDS: readonly Command[] = [
  ...commands(
    'explorer.exe',
    'ehr-client.exe --ward',
    'ehr-client.exe --ward',
    'winword.exe /n "\\\\file-server-01\\wards\\letters\\letter-{n}.docx"',
    'excel.exe "\\\\file-server-01\\wards\\rota-{n}.xlsx"',
    'viewer.exe "D:\\cache\\{study}.dcm"',
    'msedge.exe --profile-directory=Default',
    'acrord32.exe "C:\\Users\\{user}\\Downloads\\guideline-{n}.pdf"',
    'quickassist.exe',
  ),
  ...commands('outlook.exe', 'winword.exe /n "C:\\Users\\{user}\\AppData\\Local\\Temp\\referral-{n}.docx"'),
  // Macros that the laboratory and the offices live by.
  ...commands('excel.exe', 'cmd.exe /c copy "C:\\Users\\{user}\\report-{n}.csv" \\\\file-server-01\\laboratory'),
  ...commands(
    'viewer.exe',
    'rundll32.exe shell32.dll,OpenAs_RunDLL D:\\cache\\{n}.pdf',
    'cmd.exe /c del D:\\cache\\{n}.tmp',
  ),
];

/** What administrators type when they look for a fault. */
const FAULT_FINDING_COMMANDS: readonly Command[] = commands(
  'cmd.exe',
  'whoami.exe /upn',
  'cmd.exe /c ping file-server-01',
  'net.exe use * \\\\file-server-01\\wards',
  'nltest.exe /sc_verify:hospital',
  `${POWERSHELL} -Command Restart-Service spooler`,
  'sc.exe query spooler',
  'reg.exe query HKCU\\Printers\\Connections',
);

function fill(command: Command, user: UserView, random: SeededRandom): Command {
  const line = command.line.replace(/\{(\w+)\}/g, (_, blank: string) => {
    if (blank === 'user') return user.uid;
    if (blank === 'study') return studyName(random);
    return String(random.integer(1000, 9999));
  });
  return { ...command, line };
}

/** A command of the fleet's management. */
export function fleetDraft(timeMs: number, device: DeviceView, random: SeededRandom): EventDraft {
  const user = random.pick(Object.values(SERVICE_ACCOUNTS));
  return commandDraft(timeMs, device, fill(random.pick(FLEET_COMMANDS), user, random), user);
}

/** Somebody starts something at a workstation. */
export function deskDraft(timeMs: number, device: DeviceView, user: UserView, random: SeededRandom): EventDraft {
  return commandDraft(timeMs, device, fill(random.pick(DESK_COMMANDS), user, random), user);
}

/** An administrator looks for a fault. */
export function faultFindingDraft(
  timeMs: number,
  device: DeviceView,
  user: UserView,
  random: SeededRandom,
): EventDraft {
  return commandDraft(timeMs, device, fill(random.pick(FAULT_FINDING_COMMANDS), user, random), user);
}

/** A command that runs on a host. */
export function commandDraft(timeMs: number, device: DeviceView, command: Command, user?: UserView): EventDraft {
  return processDraft(timeMs, device, command.name, command.line, command.parent, user);
}

/** Command of a line whose first word is the program. */
export function commandOf(line: string, parent: string): Command {
  return commands(parent, line)[0] as Command;
}

/** A name as DICOM gives to studies and images (PS3.5, section 9). */
export function studyName(random: SeededRandom): string {
  return `1.2.276.0.7230010.3.1.4.${random.integer(1_000_000, 9_999_999)}.${random.integer(1000, 9999)}`;
}

/** A file: where, bytes, and bits a byte of its content. */
export interface HostFile {
  readonly path: string;
  readonly size: number;
  readonly entropy: number;
}

/** Bits a byte by kind of file: text repeats itself, compressed content hardly. */
const DOCUMENT_KINDS = [
  { ending: 'docx', place: 'letters', entropyMin: 7, entropyMax: 7.9 },
  { ending: 'xlsx', place: 'rota', entropyMin: 6.8, entropyMax: 7.8 },
  { ending: 'pdf', place: 'reports', entropyMin: 7, entropyMax: 7.9 },
  { ending: 'csv', place: 'laboratory', entropyMin: 3.5, entropyMax: 5 },
  { ending: 'txt', place: 'notes', entropyMin: 3.8, entropyMax: 4.9 },
  { ending: 'rtf', place: 'letters', entropyMin: 4, entropyMax: 5.5 },
] as const;

/** A document on the share of a ward. */
export function documentFile(random: SeededRandom, ward: string): HostFile {
  const { ending, place, entropyMin, entropyMax } = random.pick(DOCUMENT_KINDS);
  return {
    path: `D:\\wards\\${ward}\\${place}\\${place}-${random.integer(10_000, 99_999)}.${ending}`,
    size: random.integer(4_000, 900_000),
    entropy: between(random, entropyMin, entropyMax),
  };
}

/** An image of a study in the archive. */
export function studyFile(random: SeededRandom): HostFile {
  return {
    path: `E:\\archive\\${random.integer(2019, 2026)}\\${studyName(random)}.dcm`,
    size: random.integer(400_000, 30_000_000),
    entropy: between(random, 5.2, 7.3),
  };
}

/** A part of a backup: compressed. */
export function backupFile(random: SeededRandom): HostFile {
  return {
    path: `F:\\backup\\set-${random.integer(100, 999)}\\part-${random.integer(10_000, 99_999)}.bkf`,
    size: random.integer(50_000_000, 900_000_000),
    entropy: between(random, 7.8, 7.99),
  };
}

/** The file after its content was compressed or encrypted. */
export function unreadable(file: HostFile, random: SeededRandom): HostFile {
  return { ...file, entropy: between(random, 7.9, 8) };
}

/** What happened to a file. */
export function hostFileDraft(
  timeMs: number,
  device: DeviceView,
  activity: 'created' | 'changed' | 'renamed' | 'deleted',
  file: HostFile,
  user: UserView,
): EventDraft {
  return fileDraft(timeMs, device, file, activity, user);
}

/** The agent of a host says that it is there, and how many records it shipped since it spoke last. */
export function agentDraft(
  timeMs: number,
  device: DeviceView,
  records: number,
  version: string,
  status = 'running',
): EventDraft {
  return hostDraft(timeMs, 'device.agent-reported', device, {
    agent: { name: LOG_AGENT, version },
    status,
    records,
  });
}

function between(random: SeededRandom, least: number, most: number): number {
  return Math.round((least + (most - least) * random.fraction()) * 100) / 100;
}
