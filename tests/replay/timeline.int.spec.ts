import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  canonicalJson,
  type Detection,
  type DetectionEntity,
  type DetectionEvidence,
  type ProtegoEvent,
} from '@protego/contracts';
import { openHouseKeys } from '@protego/enclave';
import { EventLogWriter, readIdentity } from '@protego/event-log';
import type { ProvedTimeline } from '@protego/replay';
import type { SimulationLabel } from '@protego/simulation';
import { importHistory } from '../history-log';
import { protego } from './replay-process';

const HISTORY = join(__dirname, '../../replay-data/general');
const CLEAR_NAME = /^(?:p|pt|pa|x)-\d+$/;

jest.setTimeout(600_000);

const unzipped = <T>(name: string): T[] =>
  gunzipSync(readFileSync(join(HISTORY, name)))
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

describe('protego replay timeline', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-timeline-'));
  const log = join(directory, 'log');
  const run = join(directory, 'run');
  // Feeds may send an event twice; the log holds it once.
  const sent = unzipped<ProtegoEvent>('events.ndjson.gz');
  const events = [...new Map(sent.map((one) => [`${one.source} ${one.id}`, one])).values()];
  const labels = unzipped<SimulationLabel>('labels.ndjson.gz');
  const clearValues = clearValuesIn(events);

  beforeAll(async () => {
    await importHistory(log, 'cloudevents', [join(HISTORY, 'events.ndjson.gz')]);
    expect(protego('replay', '--log', log, '--out', run)).toMatchObject({ status: 0 });
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function timelineOf(name: string, ...args: string[]): ProvedTimeline {
    const out = join(directory, name);
    const made = protego('replay', 'timeline', '--log', log, '--out', out, ...args);
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expectClean(out, made.stdout);
    return JSON.parse(readFileSync(join(out, 'timeline.json'), 'utf8')) as ProvedTimeline;
  }

  /** No clear name of anybody, in no file and no leaf, and a page that fetches and runs nothing. */
  function expectClean(out: string, stdout: string): void {
    const [text, json, page] = ['txt', 'json', 'html'].map((end) => readFileSync(join(out, `timeline.${end}`), 'utf8'));
    const { proof } = JSON.parse(json as string) as ProvedTimeline;
    const leaves = proof.leaves.map(({ leaf }) => Buffer.from(leaf, 'base64').toString('latin1'));
    const all = [text, json, page, stdout, ...leaves].join('\n');
    const words = new Set(all.split(/[^\p{L}\p{N}-]+/u));
    expect([...clearValues].filter((value) => (value.includes(' ') ? all.includes(value) : words.has(value)))).toEqual(
      [],
    );
    expect(page).not.toMatch(/<script|<link|<img|<iframe|\ssrc=|\shref=|url\(|@import/i);
    expect(page).toContain("default-src 'none'");
  }

  const attacks = [
    'snooping-mass-lookup',
    'monitor-network-spoofing',
    'ransomware',
    'log-source-silencing',
    'mfa-fatigue',
  ];

  it.each(attacks)('shows %s in order, and after it what was found', (attack) => {
    const label = labels.find((one) => one.kind === 'attack' && one.attack === attack) as SimulationLabel;
    const entity = label.entities.find(({ kind }) => kind === 'device' || kind === 'person');
    const { kind, id } = entity as { kind: string; id: string };
    const timeline = timelineOf(attack, '--entity', `${kind}:${id}`, '--run', run);
    const planted = new Set(label.eventIds.map((one) => `${one.source} ${one.id}`));
    const own = events.filter((one) => planted.has(`${one.source} ${one.id}`) && isFoundBy(one, id));
    const lines = new Map(timeline.lines.map((line) => [`${line.source} ${line.id}`, line]));
    const shown = own.map((one) => lines.get(`${one.source} ${one.id}`));
    expect(own.length).toBeGreaterThan(0);
    expect(shown).not.toContain(undefined);

    // Routine events are folded; what stands out keeps its place.
    const order = timeline.entries.flatMap((entry) => ('count' in entry ? entry.seqs : []));
    const moments = shown.filter((line) => line!.weight !== 'routine').sort((a, b) => (a!.time < b!.time ? -1 : 1));
    const places = moments.map((line) => order.indexOf(line!.seq));
    expect(places.length).toBeGreaterThan(0);
    expect(places).toEqual([...places].sort((a, b) => a - b));

    const seqs = new Set(shown.map((line) => line!.seq));
    const found = timeline.entries.filter(
      (entry) => entry.kind === 'detection' && entry.evidenceSeqs.some((seq) => seqs.has(seq)),
    );
    expect(found.length).toBeGreaterThan(0);
    for (const entry of found) {
      if (entry.kind !== 'detection') throw new Error('it is one');
      const at = timeline.entries.indexOf(entry);
      const before = timeline.entries.slice(0, at).flatMap((one) => ('count' in one ? one.seqs : []));
      for (const seq of entry.evidenceSeqs.filter((one) => seqs.has(one))) expect(before).toContain(seq);
    }
  });

  it('proves every line without the log, and refuses what was altered', () => {
    const timeline = timelineOf('proved', '--entity', 'ward:cardiology', '--run', run);
    expect(timeline.lines.length).toBeGreaterThan(20);
    const file = join(directory, 'proved/timeline.json');
    const checked = (...args: string[]): unknown => {
      const { status, stdout } = protego('replay', 'timeline', '--check', file, '--json', ...args);
      return { status, ...(JSON.parse(stdout) as object) };
    };
    const { verifierKey } = timeline.proof;
    expect(checked('--verifier-key', verifierKey)).toMatchObject({
      status: 0,
      valid: true,
      lines: timeline.lines.length,
    });

    const altered = (change: (copy: { lines: Record<string, unknown>[]; proof: Record<string, unknown> }) => void) => {
      const copy = JSON.parse(JSON.stringify(timeline)) as {
        lines: Record<string, unknown>[];
        proof: Record<string, unknown>;
      };
      change(copy);
      writeFileSync(file, JSON.stringify(copy));
      return checked();
    };
    const invalid = { status: 1, valid: false };
    expect(altered(({ lines }) => (lines[3]!['words'] = 'nothing happened'))).toMatchObject(invalid);
    expect(altered(({ lines }) => (lines[3]!['time'] = '2026-03-02T09:00:00.000Z'))).toMatchObject(invalid);
    expect(altered(({ lines }) => lines.splice(3, 1))).toMatchObject(invalid);
    expect(altered(({ proof }) => (proof['hashes'] as string[]).reverse())).toMatchObject(invalid);
    expect(
      altered(({ proof }) => {
        const [leaf] = proof['leaves'] as { leaf: string }[];
        leaf!.leaf = Buffer.from(leaf!.leaf, 'base64').fill(7, 0, 1).toString('base64');
      }),
    ).toMatchObject(invalid);
    expect(altered(() => undefined)).toMatchObject({ status: 0, valid: true });
  });

  it('tells what led to a detection and what followed, and whom to look at next', () => {
    const detections = readFileSync(join(run, 'detections.jsonl'), 'utf8').trimEnd().split('\n');
    const detection = detections
      .map((line) => JSON.parse(line) as Detection)
      .find(({ entities }) => entities.length > 1) as Detection;
    const timeline = timelineOf('detection', '--detection', detection.id, '--run', run);
    const own = timeline.entries.findIndex(
      (entry) => entry.kind === 'detection' && entry.detection.id === detection.id,
    );
    expect(timeline.entries[own]).toMatchObject({ phase: 'during', weight: 'detection' });
    const phases = timeline.entries.map(({ phase }) => phase);
    expect(phases).toEqual([...phases].sort((a, b) => PHASES.indexOf(a as string) - PHASES.indexOf(b as string)));
    for (const { kind, id } of detection.entities)
      expect(timeline.pivots).toContainEqual(
        expect.objectContaining({ kind, id, detections: expect.arrayContaining([detection.id]) as unknown }),
      );
    const hourMs = 3_600_000;
    expect(Date.parse(detection.window.start) - Date.parse(timeline.range.from)).toBeLessThanOrEqual(hourMs);
    const text = readFileSync(join(directory, 'detection/timeline.txt'), 'utf8');
    const { kind, id } = timeline.pivots[0]!;
    expect(text).toContain(`--entity ${kind}:${id} --from ${timeline.range.from}`);
  });

  it('tells a ward by what stands out and how much there was', () => {
    const { volume, entries, counts, searched } = timelineOf('ward', '--entity', 'ward:cardiology', '--run', run);
    expect(volume.rows.map(({ type }) => type)).toContain('device.telemetry-reported');
    expect(entries.some((entry) => 'count' in entry && /telemetry/.test(entry.words))).toBe(false);
    expect(counts.detections).toBeGreaterThan(0);
    const admitted = events.filter((one) => one.type === 'care.patient-admitted' && isOfWard(one, 'cardiology'));
    const row = volume.rows.find(({ type }) => type === 'care.patient-admitted');
    expect(row?.counts.reduce((sum, n) => sum + n, 0)).toBe(admitted.length);
    expect(searched).toMatchObject({ by: 'fields', stoppedAt: null });
  });

  it('finds sessions and addresses, which are no subjects, in the fields', () => {
    const address = (events.find(({ type }) => type === 'access.signed-in')!.data['src_endpoint'] as { ip: string }).ip;
    const session = (events.find(({ type }) => type === 'access.session-ended')!.data['session'] as { uid: string })
      .uid;
    for (const [kind, id] of [
      ['address', address],
      ['session', session],
    ] as const) {
      const { counts, searched } = timelineOf(kind, '--entity', `${kind}:${id}`);
      const named = events.filter((one) => JSON.stringify(one).includes(`"${id}"`));
      expect([kind, counts.events, searched.by]).toEqual([kind, named.length, 'fields']);
    }
  });

  it('says that the log holds no detection, and refuses what it does not know', () => {
    const { detectionsFrom } = timelineOf('no-run', '--entity', 'device:infusion-pump-0012');
    expect(detectionsFrom).toEqual({ from: 'log', inLog: 0 });
    expect(readFileSync(join(directory, 'no-run/timeline.txt'), 'utf8')).toContain('The log holds no detection');
    const refused = (...args: string[]): unknown =>
      protego('replay', 'timeline', '--log', log, '--out', join(directory, 'refused'), ...args).status;
    expect(refused()).toBe(2);
    expect(refused('--entity', 'pump')).toBe(2);
    expect(refused('--entity', 'foo:bar')).toBe(2);
    expect(refused('--entity', 'device:pump-0012', '--out', join(log, 'log.json'))).toBe(2);
    expect(refused('--detection', '00000000000000000000000000000000', '--run', run)).toBe(2);
    expect(refused('--entity', 'device:a', '--detection', 'b')).toBe(2);
    expect(refused('--entity', 'device:a', '--from', '2026-03-03T00:00:00Z', '--to', '2026-03-02T00:00:00Z')).toBe(2);
  });

  it('tells detections and decisions that the log holds, with their own proof', async () => {
    const live = join(directory, 'live');
    cpSync(log, live, { recursive: true });
    const [detection, evidence] = ['detections', 'evidence'].map(
      (name) => JSON.parse(readFileSync(join(run, `${name}.jsonl`), 'utf8').split('\n')[4] as string) as unknown,
    ) as [Detection, DetectionEvidence];
    const about = detection.entities[0] as DetectionEntity;
    const seq = await appendDetection(live, { ...detection, evidence });
    const entity = ['--entity', `${about.kind}:${about.id}`];
    const muted = protego(
      'detection',
      'mute',
      '--log',
      live,
      ...entity,
      '--for',
      '2h',
      '--reason',
      'on the test bench',
    );
    expect(muted).toMatchObject({ status: 0 });
    const out = join(directory, 'of-log');
    expect(protego('replay', 'timeline', '--log', live, '--out', out, ...entity)).toMatchObject({ status: 0 });
    const told = JSON.parse(readFileSync(join(out, 'timeline.json'), 'utf8')) as ProvedTimeline;
    expect(told.detectionsFrom).toEqual({ from: 'log', inLog: 1 });
    expect(told.entries).toContainEqual(expect.objectContaining({ kind: 'detection', seq }));
    expect(told.entries.at(-1)).toMatchObject({ kind: 'decision', seq: seq + 1 });
    expect(told.proof.leaves.map((leaf) => leaf.seq)).toEqual(expect.arrayContaining([seq, seq + 1]));
    expect(protego('replay', 'timeline', '--check', join(out, 'timeline.json'))).toMatchObject({ status: 0 });
    const byId = protego('replay', 'timeline', '--log', live, '--out', `${out}-id`, '--detection', detection.id);
    expect(byId).toMatchObject({ status: 0 });
  });

  it('does not repeat a name that it does not know', () => {
    const out = join(directory, 'unknown');
    const made = protego('replay', 'timeline', '--log', log, '--out', out, '--entity', 'person:Marlene-Unbekannt');
    expect(made.status).toBe(0);
    for (const end of ['txt', 'json', 'html'])
      expect(readFileSync(join(out, `timeline.${end}`), 'utf8')).not.toContain('Marlene');
    expect(made.stdout + made.stderr).not.toContain('Marlene');
  });
});

/** Appends a detection as the engine does, and signs a checkpoint over it. */
async function appendDetection(directory: string, detection: Detection): Promise<number> {
  const house = await openHouseKeys({ directory: join(directory, 'keys'), mode: 'write' });
  const { origin } = readIdentity(directory);
  const writer = await EventLogWriter.open({ directory, origin, keys: house.keys });
  const { id, certainAt: time } = detection;
  const type = 'detection.raised';
  const event = { specversion: '1.0', id, source: 'protego', type, time, site: 'general-hospital', data: detection };
  const timeMs = Date.parse(time);
  const times = { timeMs, arrivedAtMs: Date.parse('2026-03-03T08:00:00Z'), recordedAtMs: timeMs };
  const { firstSeq } = await writer.append([{ body: Buffer.from(canonicalJson(event)), type, ...times }]);
  await writer.close();
  await house.close();
  return firstSeq;
}

const PHASES = ['before', 'during', 'after'];

/** Whether an event has the entity as a subject: its device or one of its persons. */
function isFoundBy({ data, subject }: ProtegoEvent, id: string): boolean {
  const { device, user, actor, patient } = data as Record<
    string,
    { uid?: string; user?: { uid?: string } } | undefined
  >;
  return [subject, device?.uid, user?.uid, actor?.user?.uid, patient?.uid].includes(id);
}

function isOfWard({ data }: ProtegoEvent, ward: string): boolean {
  return JSON.stringify(data).includes(`"ward":"${ward}"`);
}

/** Names of staff and patients, surnames and addresses, as the history holds them in clear. */
function clearValuesIn(events: readonly ProtegoEvent[]): ReadonlySet<string> {
  const values = new Set<string>();
  const collect = (value: unknown, key: string): void => {
    if (typeof value === 'string') {
      if ((key === 'uid' && CLEAR_NAME.test(value)) || ['surname', 'street', 'address', 'patient_uid'].includes(key))
        values.add(value);
    } else if (typeof value === 'object' && value !== null)
      for (const [name, member] of Object.entries(value)) collect(member, name);
  };
  for (const { data } of events) collect(data, '');
  // Some organisations are named after somebody; their names are open.
  for (const { data } of events)
    for (const word of String((data['partner'] as { name?: string } | undefined)?.name).split(' ')) values.delete(word);
  return values;
}
