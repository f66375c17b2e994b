import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { eventRegistry } from './event-types';
import { parseFieldDeclarations, UNDECLARED_FIELDS } from './field-declarations';
import type { ProtegoError } from './error';

const ROOT = join(__dirname, '../../..');
const shipped = (): string => readFileSync(join(ROOT, 'streams/declarations/fields.yaml'), 'utf8');
const classes = (text: string): ReturnType<typeof parseFieldDeclarations> =>
  parseFieldDeclarations(text, 'fields.yaml');
const failureOf = (text: string): Pick<ProtegoError, 'code' | 'message' | 'details'> => {
  try {
    classes(text);
  } catch (error) {
    const { code, message, details } = error as ProtegoError;
    return { code, message, details };
  }
  throw new Error('the declarations were taken');
};

describe('parseFieldDeclarations', () => {
  it('takes what is not named for free text', () => {
    const fields = classes("classes:\n  - types: ['*']\n    open: [data.a]\n");
    expect(fields.classOf('x.y', ['data', 'a'])).toBe('open');
    expect(fields.classOf('x.y', ['data', 'a', 'b'])).toBe('free-text');
    expect(fields.classOf('x.y', ['data'])).toBe('free-text');
    expect(fields.classOf('x.y', ['data', 'b'])).toBe('free-text');
    expect(fields.classOf('x.y', [])).toBe('free-text');
  });

  it('lets the narrower type decide, then the more exact path', () => {
    const fields = classes(`classes:
  - types: ['*']
    staff: [data.a.b]
    open: [data.a.*]
    patient: [data.**]
  - types: [x.*]
    free-text: [data.*.b]
  - types: [x.z]
    open: [data.**]
`);
    expect(fields.classOf('q.q', ['data', 'a', 'b'])).toBe('staff');
    expect(fields.classOf('q.q', ['data', 'a', 'c'])).toBe('open');
    expect(fields.classOf('q.q', ['data', 'a', 'c', 'd', 'e'])).toBe('patient');
    expect(fields.classOf('x.y', ['data', 'a', 'b'])).toBe('free-text');
    expect(fields.classOf('x.y', ['data', 'a', 'c'])).toBe('open');
    expect(fields.classOf('x.z', ['data', 'a', 'b'])).toBe('open');
    expect(fields.classOf('x.z', ['data', 'a', 'b', 'c'])).toBe('open');
    expect(fields.classOf('x.z', ['data'])).toBe('free-text');
  });

  it('reads names with dots, and paths below a common one', () => {
    const fields = classes(`classes:
  - types: [a.b]
    under: data
    open: [id\\.orig_h, id.resp_h]
    staff: [{ path: name, person: uid, form: account, inText: false }]
`);
    expect(fields.classOf('a.b', ['data', 'id.orig_h'])).toBe('open');
    expect(fields.classOf('a.b', ['data', 'id', 'orig_h'])).toBe('free-text');
    expect(fields.classOf('a.b', ['data', 'id', 'resp_h'])).toBe('open');
    const rule = fields.planOf('a.b')?.members.get('data')?.members.get('name')?.rule;
    expect(rule).toEqual({ class: 'staff', person: ['data', 'uid'], form: 'account', inText: false });
  });

  it('knows accounts that are no person, whatever their case', () => {
    const fields = classes("wellKnownAccounts: [SYSTEM, '*$', 'NT AUTHORITY\\*', a.b, 'c.*.d']\nclasses: []\n");
    for (const account of ['SYSTEM', 'system', 'WARD-7$', 'nt authority\\system', 'a.b', 'C.x.y.D']) {
      expect(fields.isWellKnownAccount(account)).toBe(true);
    }
    for (const account of ['SYSTEMS', 'x', 'axb', 'c.d', 'cx.d', '', '$x', 'HOSPITAL\\jdoe']) {
      expect(fields.isWellKnownAccount(account)).toBe(false);
    }
    expect(classes('classes: []\n').isWellKnownAccount('')).toBe(false);
  });

  it('has no plan for what the engine writes itself', () => {
    const fields = classes('pseudonymous: [detection.*]\nclasses: []\n');
    expect(fields.planOf('detection.raised')).toBeUndefined();
    expect(fields.classOf('detection.raised', ['data', 'why'])).toBe('open');
    expect(fields.planOf('device.joined')).toBeDefined();
  });

  it.each([
    ['an unknown key', "classes:\n  - types: ['*']\n    opn: [a]\n", 3, 'is not a known key'],
    ['an unknown class option', "classes:\n  - types: ['*']\n    open: [{ path: a }]\n", 3, 'must be string'],
    ['a type that is none', 'classes:\n  - types: [Device]\n    open: [a]\n', 2, 'must match pattern'],
    ['a path that is none', "classes:\n  - types: ['*']\n    open:\n      - a\n      - b..c\n", 5, 'is no path'],
    ['`**` before the end', "classes:\n  - types: ['*']\n    open: ['a.**.b']\n", 3, 'is no path'],
    ['a field classed twice', 'classes:\n  - types: [a.b]\n    open: [c]\n    staff: [c]\n', 4, 'is classed twice'],
    [
      'a person under a wildcard',
      "classes:\n  - types: [a.b]\n    staff: [{ path: c, person: 'd.*' }]\n",
      3,
      'names one',
    ],
    ['text that is no YAML', 'classes: [\n', 2, ''],
  ])('refuses %s, with the line', (_what, text, line, message) => {
    const failure = failureOf(text);
    expect(failure.code).toBe('DECLARATION_INVALID');
    expect(failure.message).toContain(message);
    expect(failure.details['line']).toBe(line);
  });

  it('without declarations, keeps the envelope readable and nothing of the data', () => {
    expect(UNDECLARED_FIELDS.classOf('device.joined', ['time'])).toBe('open');
    expect(UNDECLARED_FIELDS.classOf('device.joined', ['subject'])).toBe('staff');
    expect(UNDECLARED_FIELDS.classOf('device.joined', ['data', 'device', 'uid'])).toBe('free-text');
  });
});

describe('fields.yaml', () => {
  const fields = classes(shipped());

  it('names every field that the schema of a type names', () => {
    const missing: string[] = [];
    for (const { type, dataSchema } of eventRegistry.latest()) {
      if (fields.planOf(type) === undefined) continue;
      for (const path of leavesOf(dataSchema, ['data']))
        if (!isNamed(type, path)) missing.push(`${type} ${path.join('.')}`);
    }
    expect(missing).toEqual([]);
  });

  it('names every field of the simulated hospital', () => {
    const text = gunzipSync(readFileSync(join(ROOT, 'replay-data/general/events.ndjson.gz'))).toString('utf8');
    const missing = new Set<string>();
    for (const line of text.trimEnd().split('\n')) {
      const event = JSON.parse(line) as { type: string };
      for (const path of pathsOf(event, []))
        if (!isNamed(event.type, path)) missing.add(`${event.type} ${path.join('.')}`);
    }
    expect([...missing]).toEqual([]);
  });

  it.each([
    ['access.record-read', 'subject', 'staff'],
    ['access.record-read', 'data.actor.user.uid', 'staff'],
    ['access.record-read', 'data.patient.uid', 'patient'],
    ['access.record-read', 'data.patient.name', 'patient'],
    ['access.record-read', 'data.device.uid', 'open'],
    ['access.break-glass-used', 'data.reason', 'free-text'],
    ['device.joined', 'subject', 'open'],
    ['device.process-started', 'data.process.cmd_line', 'free-text'],
    ['device.file-changed', 'data.file.path', 'free-text'],
    ['device.host-event-recorded', 'data.CommandLine', 'free-text'],
    ['device.host-event-recorded', 'data.EventID', 'open'],
    ['device.host-event-recorded', 'data.SubjectUserName', 'staff'],
    ['roster.person-assigned', 'subject', 'staff'],
    ['roster.device-assigned', 'subject', 'open'],
    ['watchlist.entry-added', 'data.value', 'staff'],
    ['clock.ticked', 'data.note', 'free-text'],
    ['detection.raised', 'data.why', 'open'],
  ])('%s: %s is %s', (type, path, expected) => {
    expect(fields.classOf(type, path.split('.'))).toBe(expected);
  });

  it.each(['SYSTEM', 'NT AUTHORITY\\SYSTEM', 'LOCAL SERVICE', 'WARD-7$', 'root', '-', 'S-1-5-18', 'S-1-5-32-544'])(
    '%s is no person',
    (account) => expect(fields.isWellKnownAccount(account)).toBe(true),
  );

  it.each(['jdoe', 'HOSPITAL\\jdoe', 'S-1-5-21-1-2-3-1001', 'systemadmin'])('%s is a person', (account) =>
    expect(fields.isWellKnownAccount(account)).toBe(false),
  );

  function isNamed(type: string, path: readonly string[]): boolean {
    let plan = fields.planOf(type);
    for (const key of path) plan = plan?.members.get(key) ?? plan?.others;
    return plan?.rule !== undefined;
  }
});

function pathsOf(value: unknown, path: readonly string[]): string[][] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, path));
  if (typeof value !== 'object' || value === null) return [[...path]];
  return Object.entries(value).flatMap(([key, member]) => pathsOf(member, [...path, key]));
}

function leavesOf(schema: unknown, path: readonly string[]): string[][] {
  const { properties } = schema as { properties?: Record<string, unknown> };
  if (properties === undefined) return path.length === 1 ? [] : [[...path]];
  return Object.entries(properties).flatMap(([key, member]) => leavesOf(member, [...path, key]));
}
