import { part, said, type EventWording, type Fields, type Wordings } from './fields';

/** What well-known numbers of Windows and Sysmon mean. */
const WINDOWS_EVENTS: Readonly<Record<string, string>> = {
  '1': 'a process started',
  '3': 'a network connection was made',
  '7': 'an image was loaded',
  '8': 'a thread was created in another process',
  '10': 'a process was opened by another',
  '11': 'a file was created',
  '12': 'a registry key was created or deleted',
  '13': 'a registry value was set',
  '17': 'a pipe was created',
  '18': 'a pipe was connected',
  '22': 'a name was looked up',
  '1102': 'the audit log was cleared',
  '4103': 'a PowerShell command ran',
  '4104': 'a PowerShell script ran',
  '4624': 'an account signed in',
  '4625': 'a sign-in was refused',
  '4634': 'a session ended',
  '4648': 'a sign-in with explicit credentials',
  '4656': 'a handle was asked for',
  '4658': 'a handle was closed',
  '4663': 'an object was accessed',
  '4672': 'special privileges were given to a session',
  '4688': 'a process started',
  '4689': 'a process ended',
  '4697': 'a service was installed',
  '4698': 'a scheduled task was created',
  '4720': 'an account was created',
  '4728': 'a member was added to a group',
  '4732': 'a member was added to a group',
  '5140': 'a share was accessed',
  '5145': 'a file of a share was accessed',
  '5156': 'a connection was permitted',
  '7045': 'a service was installed',
};
const NOTABLE_WINDOWS: ReadonlySet<string> = new Set(['1102', '4697', '4698', '4720', '4728', '4732', '7045']);

function host(fields: Fields): string | undefined {
  return fields.first('Computer', 'Hostname', 'host.name', 'hostname');
}

function windowsKind(fields: Fields): string {
  const id = fields.text('EventID');
  if (id === undefined) return fields.first('Channel', 'Provider_Name', 'SourceName') ?? 'a record';
  return `${WINDOWS_EVENTS[id] ?? 'event'} (${said(fields.text('Channel'), id)})`;
}

const HOST_RECORD: EventWording = {
  one: (fields) =>
    said(
      part('on', host(fields)) ?? 'on a host',
      windowsKind(fields),
      part('for', fields.name('TargetUserName') ?? fields.name('SubjectUserName') ?? fields.name('User')),
      part(':', fields.first('Image', 'NewProcessName', 'ObjectName', 'QueryName')),
    ),
  many: ['record of a host', 'records of hosts'],
  isNotable: (fields) => NOTABLE_WINDOWS.has(fields.text('EventID') ?? ''),
  alike: windowsKind,
};

/** Kinds of Zeek logs in which something is out of the ordinary by itself. */
const NOTABLE_ZEEK: ReadonlySet<string> = new Set(['notice', 'weird', 'intel', 'signatures']);

const NETWORK_RECORD: EventWording = {
  one: (fields) =>
    said(
      'the network monitor saw',
      part('in', fields.text('_path')),
      fields.text('id.orig_h') ?? 'a host',
      part('to', said(fields.text('id.resp_h'), part('port', fields.text('id.resp_p'))) || undefined),
      part(':', fields.first('query', 'host', 'server_name', 'note', 'msg', 'service', 'proto')),
    ),
  many: ['record of the network monitor', 'records of the network monitor'],
  isNotable: (fields) => NOTABLE_ZEEK.has(fields.text('_path') ?? ''),
  alike: (fields) => fields.text('_path'),
};

/** How records of hosts and of network monitors, which keep their native names, are told. */
export const NATIVE_WORDS: Wordings = {
  'device.host-event-recorded': HOST_RECORD,
  'device.network-log-recorded': NETWORK_RECORD,
};
