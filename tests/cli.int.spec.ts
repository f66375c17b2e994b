import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openHouseKeys } from '@protego/enclave';
import { EventLogWriter } from '@protego/event-log';

const ROOT = join(__dirname, '..');
const CLI = join(ROOT, 'dist', 'apps', 'cli', 'src', 'main.js');
const HISTORY = join(ROOT, 'replay-data', 'general', 'events.ndjson.gz');

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function protego(...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { code: status, out: stdout, err: stderr };
}

const jsonOf = (ran: Ran): Record<string, unknown> => JSON.parse(ran.out) as Record<string, unknown>;

/** Lines of detections with one text for every token: tokens depend on the key of the installation. */
/** Tokens differ between installations, and so do ids of detections that were made from them. */
const withoutTokens = (path: string): string =>
  readFileSync(path, 'utf8')
    .replace(/~[sp]\.[\w-]{22}/g, '~token')
    .replace(/^.*~token.*$/gm, (line) => line.replace(/"id":"[0-9a-f]{32}"/, '"id":"~id"'));
/** Lines of the history, and how many events they are: some are sent twice. */
const LINES = gunzipSync(readFileSync(HISTORY)).toString('utf8').trimEnd().split('\n');
const EVENT_COUNT = new Set(LINES).size;

describe('protego', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-cli-'));
  const at = (name: string): string => join(directory, name);

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each([
    [[]],
    [['simulate']],
    [['import']],
    [['log', 'stat']],
    [['log', 'cat']],
    [['log', 'verify']],
    [['log', 'checkpoint']],
    [['log', 'prove']],
    [['log', 'export']],
    [['log', 'receiver-key']],
    [['log', 'erase']],
    [['log', 'expire']],
    [['log', 'backup']],
    [['log', 'restore']],
    [['detection', 'list']],
    [['detection', 'mute']],
    [['detection', 'unmute']],
    [['detection', 'acknowledge']],
    [['replay']],
    [['replay', 'prove']],
    [['replay', 'verify-proof']],
    [['sigma', 'check']],
    [['sigma', 'match']],
    [['sigma', 'correlate']],
    [['sigma', 'explain']],
    [['up']],
  ])('has help with an example and exit codes: %j', (command) => {
    const { code, out } = protego(...command, '--help');
    expect(code).toBe(0);
    expect(out).toMatch(/example: /);
    expect(out).toMatch(/exit codes: /);
    if (command.length > 0) expect(out).toMatch(/--json/);
  });

  it.each([
    [['nonsense']],
    [['replay', '--log']],
    [['simulate', '--scenario', 'nowhere', '--seed', '1', '--days', '1', '--out', 'x']],
    [['simulate', '--scenario', 'general', '--seed', 'one', '--days', '1', '--out', 'x']],
    [['log', 'verify', '--log', '/nonexistent']],
    [['sigma', 'check', '/nonexistent']],
    [['import', '--log', 'x', '--format', 'csv', HISTORY]],
  ])('exits with 2 on wrong usage or input: %j', (args) => {
    const { code, err } = protego(...args);
    expect(code).toBe(2);
    expect(err).not.toBe('');
    expect(err).not.toMatch(/at .*\.js:\d+/);
  });

  it('simulates the same bytes from the same seed, whoever makes them, and others from another', () => {
    // So many slices that the parts of several workers have to be put together.
    const options = ['--scenario', 'general', '--days', '0.3', '--set', 'wards=1', '--set', 'attacksPerDay=40'];
    for (const [name, seed, workers] of [
      ['a', '5', '1'],
      ['b', '5', '2'],
      ['b5', '5', '5'],
      ['c', '6', '2'],
    ] as const) {
      const { code } = protego('simulate', ...options, '--seed', seed, '--workers', workers, '--out', at(name));
      expect(code).toBe(0);
    }
    const bytesOf = (name: string): Buffer[] =>
      readdirSync(at(name))
        .sort()
        .map((file) => readFileSync(join(at(name), file)));
    expect(readdirSync(at('a')).sort()).toEqual(['events.ndjson.gz', 'labels.ndjson.gz', 'manifest.json']);
    expect(bytesOf('b')).toEqual(bytesOf('a'));
    expect(bytesOf('b5')).toEqual(bytesOf('a'));
    expect(bytesOf('a')).not.toEqual(bytesOf('c'));
    const manifest = JSON.parse(readFileSync(join(at('a'), 'manifest.json'), 'utf8')) as {
      events: { count: number };
      labels: { count: number };
    };
    expect(
      gunzipSync(readFileSync(join(at('a'), 'events.ndjson.gz')))
        .toString('utf8')
        .trimEnd()
        .split('\n'),
    ).toHaveLength(manifest.events.count);
    expect(
      gunzipSync(readFileSync(join(at('a'), 'labels.ndjson.gz')))
        .toString('utf8')
        .trimEnd()
        .split('\n'),
    ).toHaveLength(manifest.labels.count);
  });

  it('simulates into no directory that holds a history, and leaves it as it is when anything is wrong', () => {
    const options = ['--scenario', 'general', '--seed', '5', '--days', '0.01', '--set', 'wards=1'];
    expect(protego('simulate', ...options, '--out', at('whole')).code).toBe(0);
    const bytes = (): string[] =>
      readdirSync(at('whole')).map((name) => readFileSync(join(at('whole'), name), 'base64'));
    const before = bytes();
    for (const wrong of [[], ['--workers', '0'], ['--start', '1969-12-31T23:00:00Z'], ['--days', '0']]) {
      const { code, err } = protego('simulate', ...options, ...wrong, '--out', at('whole'));
      expect([wrong, code, err]).toEqual([
        wrong,
        2,
        expect.stringMatching(/USAGE_INVALID|SETTING_INVALID|exists already|must be/),
      ]);
    }
    expect(bytes()).toEqual(before);
    expect(protego('simulate', ...options, '--out', join(at('whole'), 'manifest.json')).code).toBe(2);
  });

  it('imports, says what it did, and knows the events the next time', () => {
    const first = jsonOf(protego('import', '--log', at('log'), '--format', 'cloudevents', '--json', HISTORY));
    expect(first).toMatchObject({ rejected: 0, firstSeq: 0 });
    expect(first['appended']).toBe(EVENT_COUNT);
    expect(LINES.length).toBeGreaterThan(EVENT_COUNT);
    const again = jsonOf(protego('import', '--log', at('log'), '--format', 'cloudevents', '--json', HISTORY));
    expect(again).toMatchObject({ appended: 0, duplicates: LINES.length, rejected: 0 });
    expect(jsonOf(protego('log', 'stat', '--log', at('log'), '--json'))).toMatchObject({
      size: EVENT_COUNT + 4,
      root: again['root'],
    });
  });

  it('puts what it refuses into the rejects file, with code, line and the record', () => {
    const event = {
      specversion: '1.0',
      id: 'e1',
      source: 'ehr',
      type: 'access.signed-in',
      time: '2026-03-02T07:00:00Z',
      site: 'general-hospital',
      data: { user: { uid: 'p-1' } },
    };
    const lines = [
      event,
      { ...event, id: 'e2', type: 'detection.raised' },
      { ...event, id: 'e3', time: '2100-01-01T00:00:00Z' },
      { ...event, id: 'e4', time: '1970-01-01T00:00:00Z' },
      { ...event, data: { user: { uid: 'p-2' } } },
    ];
    writeFileSync(at('mixed.ndjson'), `${lines.map((line) => JSON.stringify(line)).join('\n')}\nnot json\n`);
    const result = jsonOf(
      protego(
        'import',
        '--log',
        at('mixed'),
        '--format',
        'cloudevents',
        '--rejects',
        at('rejects.ndjson'),
        '--json',
        at('mixed.ndjson'),
      ),
    );
    expect(result).toMatchObject({
      appended: 2,
      rejected: 4,
      rejectedByCode: { EVENT_TYPE_NOT_ACCEPTED: 1, EVENT_TIME_SKEWED: 1, EVENT_ID_CONFLICT: 1, EVENT_JSON_INVALID: 1 },
    });
    const rejects = readFileSync(at('rejects.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rejects.map(({ line }) => line).sort()).toEqual([2, 3, 5, 6]);
    for (const reject of rejects)
      expect(reject).toMatchObject({ code: expect.any(String), message: expect.any(String), path: at('mixed.ndjson') });
    const replayed = jsonOf(protego('replay', '--log', at('mixed'), '--out', at('mixed-run'), '--json'));
    expect(replayed['counts']).toMatchObject({ late: 1, skewed: 0 });
  });

  it('seals what it refuses where no other file is named, and shows it to who says why', () => {
    writeFileSync(at('named.ndjson'), 'not json of Mary Major\n');
    const args = ['import', '--log', at('named'), '--format', 'cloudevents', '--json', at('named.ndjson')];
    const { rejectsFile } = jsonOf(protego(...args));
    const text = readFileSync(String(rejectsFile), 'utf8');
    expect(JSON.parse(text)).toEqual({
      code: 'EVENT_JSON_INVALID',
      path: at('named.ndjson'),
      line: 1,
      sealed: expect.any(String),
    });
    expect(protego('log', 'rejects', '--log', at('named')).out).toBe(text);
    const shown = jsonOf(protego('log', 'rejects', '--log', at('named'), '--reveal', 'test'));
    expect(shown).toMatchObject({ code: 'EVENT_JSON_INVALID', line: 1, raw: 'not json of Mary Major' });
    const revealed = jsonOf(protego('log', 'cat', '--log', at('named'), '--type', 'log.revealed'));
    expect(revealed).toMatchObject({
      event: { data: { records: 1, reason: 'test', file: basename(String(rejectsFile)) } },
    });
  });

  it('lets nothing that it refuses change what follows', () => {
    const good = JSON.parse(LINES[50] as string) as Record<string, unknown>;
    const refused = [
      { ...good, id: 'later', time: '2100-01-01T00:00:00Z', arrivedat: undefined },
      { ...good, id: 'carried', arrivedat: '2100-01-01T00:00:00Z' },
      { ...good, id: 'foreign', site: 'elsewhere', time: '2026-06-01T00:00:00Z', arrivedat: undefined },
      { ...good, id: 'forged', type: 'detection.raised', time: '2026-06-01T00:00:00Z' },
    ].map((event) => JSON.stringify(event));
    writeFileSync(at('spoiled.ndjson'), `${[...LINES.slice(0, 100), ...refused, ...LINES.slice(100)].join('\n')}\n`);
    const importArgs = [
      'import',
      '--log',
      at('spoiled'),
      '--format',
      'cloudevents',
      '--site',
      'general-hospital',
      '--rejects',
      at('spoiled-rejects'),
      '--json',
    ];
    expect(jsonOf(protego(...importArgs, at('spoiled.ndjson')))).toMatchObject({
      appended: EVENT_COUNT,
      rejectedByCode: { EVENT_TIME_SKEWED: 2, EVENT_SITE_FOREIGN: 1, EVENT_TYPE_NOT_ACCEPTED: 1 },
    });
    expect(protego('replay', '--log', at('spoiled'), '--out', at('spoiled-run')).code).toBe(0);
    const expected = join(ROOT, 'replay-data', 'general', 'expected', 'hospital-pack', 'detections.jsonl');
    expect(withoutTokens(join(at('spoiled-run'), 'detections.jsonl'))).toBe(withoutTokens(expected));
  });

  it('prints records, and finds a changed byte', () => {
    const lines = protego('log', 'cat', '--log', at('log'), '--from', '1', '--to', '4').out.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual([1, 2, 3]);
    expect(protego('log', 'verify', '--log', at('log')).code).toBe(0);
    const segment = readdirSync(join(at('log'), 'segments'))[0] as string;
    const path = join(at('log'), 'segments', segment);
    copyFileSync(path, at('kept'));
    const bytes = readFileSync(path);
    const middle = bytes.length >> 1;
    bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
    writeFileSync(path, bytes);
    const { code, out } = protego('log', 'verify', '--log', at('log'), '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ ok: false });
    copyFileSync(at('kept'), path);
    expect(protego('log', 'verify', '--log', at('log')).code).toBe(0);
  });

  it('replays to files, within a range when asked', () => {
    expect(protego('replay', '--log', at('log'), '--out', at('run')).code).toBe(0);
    const all = readFileSync(join(at('run'), 'detections.jsonl'), 'utf8');
    const expected = join(ROOT, 'replay-data', 'general', 'expected', 'hospital-pack', 'detections.jsonl');
    expect(withoutTokens(join(at('run'), 'detections.jsonl'))).toBe(withoutTokens(expected));
    // Another log of this installation, imported on its own, gives the same bytes, tokens included.
    expect(protego('import', '--log', at('twin'), '--format', 'cloudevents', HISTORY).code).toBe(0);
    expect(protego('replay', '--log', at('twin'), '--out', at('twin-run')).code).toBe(0);
    expect(readFileSync(join(at('twin-run'), 'detections.jsonl'), 'utf8')).toBe(all);
    expect(existsSync(join(at('run'), 'evidence.jsonl'))).toBe(true);
    const manifest = jsonOf(
      protego(
        'replay',
        '--log',
        at('log'),
        '--out',
        at('part'),
        '--from',
        '2026-03-02T09:00:00Z',
        '--to',
        '2026-03-02T10:00:00Z',
        '--json',
      ),
    );
    expect(manifest).toMatchObject({
      range: { readFrom: 0, emitFrom: '2026-03-02T09:00:00.000Z', emitTo: '2026-03-02T10:00:00.000Z', by: 'time' },
    });
    const inHour = all.split('\n').filter((line) => line.includes('"certainAt":"2026-03-02T09:'));
    expect(inHour.length).toBeGreaterThan(0);
    expect(
      readFileSync(join(at('part'), 'detections.jsonl'), 'utf8')
        .trimEnd()
        .split('\n'),
    ).toEqual(inHour);
  });

  it('does not import into a log that another process writes', async () => {
    const house = await openHouseKeys({ directory: join(at('held'), 'keys'), mode: 'write' });
    const origin = 'protego/general-hospital';
    const writer = await EventLogWriter.open({ directory: at('held'), origin, keys: house.keys });
    try {
      const { code, err } = protego('import', '--log', at('held'), '--format', 'cloudevents', HISTORY);
      expect(code).toBe(2);
      expect(err).toContain('LOG_LOCKED');
    } finally {
      await writer.close();
      await house.close();
    }
  });

  it('checks rules, and says where one is wrong', () => {
    expect(protego('sigma', 'check', join(ROOT, 'streams', 'rules')).code).toBe(0);
    writeFileSync(
      at('bad.yml'),
      'title: Bad\nid: 4a1c43a5-4c1b-4f0c-9a4e-0d2d7d1f1b11\nlogsource:\n  product: protego\ndetection:\n  selection:\n    a|sounds: b\n  condition: selection\n',
    );
    const { code, out } = protego('sigma', 'check', at('bad.yml'), '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ rules: 0, problems: [{ code: 'SIGMA_MODIFIER_UNSUPPORTED', line: 7 }] });
  });

  it('runs the cases of rules, and finds rules that can never fire', () => {
    const head = 'title: T\nid: t-1\nlogsource: { product: protego, category: access.signed-in }\n';
    const event = '{ type: access.signed-in, data: { user: { uid: p-1 } } }';
    const cases = (match: boolean): string =>
      `protego:\n  cases:\n    - { name: one, match: ${match}, event: ${event} }\n`;
    const detection = 'detection: { s: { user.uid: p-1 }, condition: s }\n';
    mkdirSync(at('checked'));
    writeFileSync(at('checked/good.yml'), head + detection + cases(true));
    writeFileSync(at('checked/bad.yml'), head.replace('t-1', 't-2') + detection + cases(false));
    writeFileSync(
      at('dead.yml'),
      `${head}detection: { s: { a: x }, f: { a: '*' }, condition: s and not f }\n${cases(false)}`,
    );
    expect(protego('sigma', 'check', at('checked/good.yml'), '--strict').code).toBe(0);
    const failed = protego('sigma', 'check', at('checked'), at('dead.yml'));
    expect(failed.code).toBe(1);
    expect(failed.err).toContain(`${at('checked/bad.yml')}:7:7: error: case \`one\`: event 1 must not match and does`);
    expect(failed.err).toContain(`${at('dead.yml')}:1:1: error: no record satisfies the condition`);
    const json = jsonOf(protego('sigma', 'check', at('checked'), at('dead.yml'), '--json'));
    expect(json).toMatchObject({
      ok: false,
      rules: 3,
      cases: 3,
      problems: [],
      failedCases: [{ code: 'SIGMA_CASE_FAILED' }],
      neverFire: [{ code: 'SIGMA_NEVER_FIRES' }],
      warnings: [{ code: 'SIGMA_RULE_INVALID', message: expect.stringContaining('repeated') as string }],
    });
    writeFileSync(at('caseless.yml'), head + detection);
    expect(protego('sigma', 'check', at('caseless.yml')).code).toBe(0);
    expect(protego('sigma', 'check', at('caseless.yml'), '--strict').code).toBe(1);
  });

  it('explains why a rule does and does not match, without naming anybody', () => {
    const envelope = {
      specversion: '1.0',
      source: 'ehr',
      type: 'access.signed-in',
      time: '2026-03-02T07:00:00Z',
      site: 's',
    };
    const events = [
      { ...envelope, id: '1', data: { user: { uid: 'p-1' }, mfa: true } },
      { ...envelope, id: '2', data: { user: { uid: 'p-secret' }, mfa: false } },
    ];
    writeFileSync(at('explained.jsonl'), `${events.map((event) => JSON.stringify(event)).join('\n')}\n`);
    writeFileSync(
      at('explained.yml'),
      'title: T\nid: t\nname: by_name\nlogsource: { product: protego }\ndetection: { s: { user.uid: p-1, mfa: true }, condition: s }\n',
    );
    const args = ['sigma', 'explain', '--rules', at('explained.yml'), '--events', at('explained.jsonl')];
    const { code, out } = protego(...args);
    expect(code).toBe(0);
    expect(out).toContain('event 0, rule `T` (t): matches');
    expect(out).toContain('`mfa: true` must hold, and `mfa` is false');
    expect(out).toContain('`user.uid: p-1` must hold, and `user.uid` is "(staff, 8 characters)"');
    expect(out).not.toContain('secret');
    const revealed = jsonOf(protego(...args, '--event', '1', '--rule', 'by_name', '--json', '--reveal'));
    expect(revealed).toMatchObject({ event: 1, matches: false, isShortest: true, canHold: true });
    expect(JSON.stringify(revealed)).toContain('p-secret');
    expect(protego(...args, '--rule', 'unheard').code).toBe(2);
  });

  it('matches and correlates bare records', () => {
    writeFileSync(
      at('rules.yml'),
      'title: Failed\nid: r1\nname: failed\nlogsource:\n  category: auth\ndetection:\n  s:\n    outcome: failed\n  condition: s\n---\ntitle: Many\nid: c1\ncorrelation:\n  type: event_count\n  rules:\n    - failed\n  group-by:\n    - user\n  timespan: 10s\n  condition:\n    gte: 2\n',
    );
    const records = [
      { user: 'a', outcome: 'failed', at: 100 },
      { user: 'a', outcome: 'ok', at: 101 },
      { user: 'a', outcome: 'Failed', at: 105.5 },
      { user: 'a', outcome: 'failed', at: 120 },
    ];
    writeFileSync(at('events.jsonl'), `${records.map((record) => JSON.stringify(record)).join('\n')}\n`);
    const common = ['--rules', at('rules.yml'), '--events', at('events.jsonl'), '--ignore-logsource'];
    const matched = protego('sigma', 'match', ...common)
      .out.trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(matched).toEqual(
      [0, 2, 3].map((event) => ({ event, rule: 'r1', file: expect.stringContaining('rules.yml') })),
    );
    const correlated = protego('sigma', 'correlate', ...common, '--time-field', 'at').out.trimEnd();
    expect(JSON.parse(correlated)).toEqual({ event: 2, rule: 'c1', group: { user: 'a' }, value: 2 });
    expect(protego('sigma', 'correlate', ...common).err).toContain('--time-field');
  });
});
