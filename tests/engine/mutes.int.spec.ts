import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, commandSubject, formatRfc3339, type Detection, type ProtegoEvent } from '@protego/contracts';
import { EngineHouse, PROTEGO, SITE } from './engine-house';
import { FIRMWARE_RULE, bytesOf, clockTick, probeEvent, subjectOf, unsignedFirmware } from './sample-events';

jest.setTimeout(120_000);

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Rules that look at one event alone, so that each event of these tests is one detection of theirs. */
const RULE_FILES = ['unsigned-medical-device-firmware.yml', 'emergency-access-without-reason.yml'];
/** Where the clock of the feed begins: the wall clock is a day ahead of it. */
const START_MS = Date.now() - 24 * HOUR_MS;
const PERSON = 'u-0417';
const EMERGENCY_RULE = '6fccc7ab-5e87-44e0-ad8d-89432fae5208';

interface ListedDetection {
  readonly seq: number;
  readonly detection: Detection;
  readonly acknowledged?: { readonly id: string };
}

interface Replayed {
  readonly detections: readonly Detection[];
  readonly manifest: { readonly outputHash: string; readonly mutes: object };
}

function run(...args: string[]): { readonly code: number | null; readonly out: string; readonly err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROTEGO, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 27,
  });
  return { code: status, out: stdout, err: stderr };
}

function done(...args: string[]): string {
  const { code, out, err } = run(...args);
  if (code !== 0) throw new Error(`${args.slice(0, 3).join(' ')} ended with ${code}: ${err}`);
  return out;
}

const linesOf = <T>(text: string): T[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

/** Emergency access without a reason, by a person; raises {@link EMERGENCY_RULE}. */
const emergencyAccess = (timeMs: number, id: string): ProtegoEvent =>
  probeEvent(timeMs, {
    id: `emergency-${id}`,
    type: 'access.break-glass-used',
    data: { actor: { user: { uid: PERSON } }, patient: { uid: `p-${id}` } },
  });

describe('detections that are muted', () => {
  const aside = mkdtempSync(join(tmpdir(), 'protego-mutes-'));
  let house: EngineHouse;

  const inLog = (): string[] => ['--log', house.logDir, '--json'];
  const detection = (command: string, ...args: string[]): string => done('detection', command, ...inLog(), ...args);
  const mute = (...args: string[]): { id: string; countsFrom: string; data: Record<string, unknown> } =>
    JSON.parse(detection('mute', '--reason', 'on the test bench', ...args)) as ReturnType<typeof mute>;
  const listed = (...args: string[]): ListedDetection[] => linesOf(detection('list', ...args));
  const statuses = (...args: string[]): string[] => listed(...args).map((line) => line.detection.status);

  /** Publishes events after a tick that brings the clock of the feed to each of their times. */
  async function feed(events: readonly ProtegoEvent[]): Promise<void> {
    const simulation = await house.connect('administrator');
    for (const event of events)
      for (const each of [clockTick(Date.parse(event.time)), event])
        await simulation.jetstream().publish(subjectOf(each), bytesOf(each));
    await simulation.close();
    await house.drained();
  }

  const firmware = (afterMs: number, pump: string): ProtegoEvent => ({
    ...unsignedFirmware(START_MS + afterMs, pump),
    id: `${pump}-${afterMs}`,
  });
  const onTheBus = async (): Promise<Detection[]> =>
    (await house.results())
      .filter(({ subject }) => subject.includes('.detection.'))
      .map(({ data }) => (JSON.parse(Buffer.from(data).toString('utf8')) as ProtegoEvent).data as unknown as Detection);
  const devicesOnTheBus = async (): Promise<string[]> =>
    (await onTheBus()).map(({ entities, status }) => `${entities[0]?.id} ${status}`);

  function replayed(...args: string[]): Replayed {
    const out = join(aside, `run${args.join('')}`);
    const rules = join(house.streamsDir, 'rules');
    const printed = done('replay', ...inLog(), '--rules', rules, '--out', out, ...args);
    const detections = linesOf<Detection>(readFileSync(join(out, 'detections.jsonl'), 'utf8'));
    return { detections, manifest: JSON.parse(printed) as Replayed['manifest'] };
  }

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'feed', ruleFiles: RULE_FILES });
    const { password } = house.user('operator');
    const url = house.natsUrl.replace('nats://', `nats://operator:${password}@`);
    writeFileSync(join(house.root, 'nats/operator.url'), url);
    await feed([firmware(0, 'before'), emergencyAccess(START_MS + 1_000, 'before')]);
  });

  afterAll(async () => {
    await house.close();
    rmSync(aside, { recursive: true, force: true });
  });

  it('are recorded and not published until the expiry, by the clock of the log', async () => {
    const { countsFrom, data } = mute('--rule', FIRMWARE_RULE, '--for', '8h');
    expect(countsFrom).toBe(formatRfc3339(START_MS + 1_000 + MINUTE_MS + 1));
    expect(data['expiresAt']).toBe(formatRfc3339(START_MS + 1_000 + 8 * HOUR_MS));
    await feed([
      firmware(30_000, 'too-soon'),
      firmware(2 * MINUTE_MS, 'muted'),
      emergencyAccess(START_MS + 3 * MINUTE_MS, 'other-rule'),
      firmware(8 * HOUR_MS + 999, 'still-muted'),
      firmware(8 * HOUR_MS + 1_000, 'over'),
    ]);
    expect(statuses('--rule', FIRMWARE_RULE)).toEqual(['raised', 'raised', 'muted', 'muted', 'raised']);
    const bus = await devicesOnTheBus();
    expect(bus.filter((line) => line.startsWith('pump-'))).toEqual(
      ['pump-before', 'pump-too-soon', 'pump-over'].map((id) => `${id} raised`),
    );
    expect(bus).toHaveLength(5);
    expect(await house.metric('protego_detections_muted_total')).toBe(2);
    expect(await house.metric('protego_pipeline_state')).toBeGreaterThan(0);
  });

  it('come out of a replay as they stand in the log, and all raised where mutes are ignored', () => {
    const honoured = replayed();
    const live = listed().map((line) => {
      const { evidence: _, ...words } = line.detection;
      return canonicalJson(words);
    });
    expect(honoured.detections.map(canonicalJson).sort()).toEqual(live.sort());
    expect(honoured.manifest.mutes).toEqual({ option: 'honoured', events: 1, muted: 2, updated: 0 });
    expect(replayed('--chunk', '1').manifest.outputHash).toBe(honoured.manifest.outputHash);
    const ignored = replayed('--ignore-mutes');
    expect(ignored.manifest.mutes).toEqual({ option: 'ignored', events: 1, muted: 0, updated: 0 });
    expect(ignored.detections).toEqual(honoured.detections.map((each) => ({ ...each, status: 'raised' })));
  });

  it('stay so when the engine is killed and reads its log again', async () => {
    mute('--entity', 'device:pump-killed', '--for', '1d');
    await feed([firmware(9 * HOUR_MS, 'killed')]);
    const before = (await house.log()).length;
    await house.killEngine();
    await house.startEngine();
    await house.drained();
    expect((await house.log()).length).toBe(before);
    await feed([firmware(10 * HOUR_MS, 'killed'), firmware(10 * HOUR_MS + 1, 'alive')]);
    expect(statuses('--entity', 'device:pump-killed')).toEqual(['muted', 'muted']);
    expect((await devicesOnTheBus()).at(-1)).toBe('pump-alive raised');
  });

  it('may be about a person, whose name stays out of the log', async () => {
    const { id, data } = mute('--entity', `person:${PERSON}`, '--actor', 'u-0418', '--for', '1d');
    expect(data).toMatchObject({
      entity: { kind: 'person', id: expect.stringMatching(/^~s\./) as string },
      actor: expect.stringMatching(/^~s\./) as string,
    });
    await feed([emergencyAccess(START_MS + 11 * HOUR_MS, 'muted-person')]);
    expect(statuses('--entity', `person:${PERSON}`)).toEqual(['raised', 'raised', 'muted']);
    const unmuted = detection('unmute', '--mute', id, '--reason', 'back on duty');
    expect(JSON.parse(unmuted)).toMatchObject({ data: { mute: id } });
    await feed([emergencyAccess(START_MS + 12 * HOUR_MS, 'unmuted-person')]);
    const ofPerson = ['--rule', EMERGENCY_RULE, '--entity', `person:${PERSON}`];
    expect(statuses(...ofPerson)).toEqual(['raised', 'raised', 'muted', 'raised']);
    const written = (await house.log()).filter(({ event }) => event.type.startsWith('detection.'));
    expect(JSON.stringify(written)).not.toMatch(/u-041[78]/);
    const mutes = linesOf<{ id: string; isInForce: boolean }>(detection('list', '--mutes'));
    expect(mutes.map(({ isInForce }) => isInForce)).toEqual([false, true, false]);
    expect(mutes.at(-1)?.id).toBe(id);
  });

  it('may be acknowledged: further ones are published as updated', async () => {
    await feed([firmware(13 * HOUR_MS, 'ack')]);
    const [first] = listed('--entity', 'device:pump-ack');
    const args = ['--detection', first?.detection.id ?? '', '--for', '2h', '--reason', 'IT is in the ward'];
    expect(JSON.parse(detection('acknowledge', ...args))).toMatchObject({
      data: { rule: FIRMWARE_RULE, entity: { kind: 'device', id: 'pump-ack' }, detection: first?.detection.id },
    });
    await feed([firmware(13.5 * HOUR_MS, 'ack'), firmware(13.5 * HOUR_MS + 1, 'not-ack')]);
    const lines = listed('--entity', 'device:pump-ack');
    expect(lines.map((line) => [line.detection.status, line.acknowledged !== undefined])).toEqual([
      ['raised', true],
      ['updated', false],
    ]);
    expect((await devicesOnTheBus()).slice(-2)).toEqual(['pump-ack updated', 'pump-not-ack raised']);
  });

  it('are muted while events stream in, in the order of the log', async () => {
    const bus = await house.connect('administrator');
    const desk = await house.connect('desk');
    const startMs = START_MS + 14 * HOUR_MS;
    const publish = (n: number): Promise<unknown> => {
      const timeMs = startMs + n * 500;
      const isTick = n % 3 === 0;
      const event = isTick ? clockTick(timeMs) : { ...unsignedFirmware(timeMs, `stream-${n % 7}`), id: `stream-${n}` };
      return bus.jetstream().publish(subjectOf(event), bytesOf(event), { timeout: 30_000 });
    };
    const ask = async (n: number): Promise<unknown> => {
      const entity = { kind: 'device', id: `pump-stream-${n % 7}` };
      const input = { rule: FIRMWARE_RULE, entity, forMs: 5 * MINUTE_MS, reason: 'r' };
      const subject = commandSubject(SITE, 'detection-mute');
      return (await desk.request(subject, JSON.stringify(input), { timeout: 30_000 })).json();
    };
    const answers: unknown[] = [];
    for (let n = 0; n < 12; n++) {
      const publishing = Array.from({ length: 100 }, (_, i) => publish(n * 100 + i));
      answers.push(await ask(n));
      await Promise.all(publishing);
    }
    await house.drained();
    expect(answers).toEqual(
      answers.map(() => expect.objectContaining({ seq: expect.any(Number) as number }) as unknown),
    );
    const live = listed().map(({ detection: { id, status } }) => `${id} ${status}`);
    const streamed = statuses('--since', formatRfc3339(startMs));
    expect([streamed.length, new Set(streamed)]).toEqual([800, new Set(['raised', 'muted'])]);
    expect(
      replayed()
        .detections.map(({ id, status }) => `${id} ${status}`)
        .sort(),
    ).toEqual(live.sort());
    await expect(
      desk.request(commandSubject(SITE, 'erase'), '{"subject":"u-0417","reason":"r"}', { timeout: 2_000 }),
    ).rejects.toThrow();
  });

  it('can be muted while no engine runs, by the clock at which the log stands', async () => {
    await house.stopEngine();
    const { data } = mute('--rule', FIRMWARE_RULE, '--entity', 'device:pump-offline', '--for', '2h');
    const lastMs = Math.max(
      ...(await house.log()).filter(({ event }) => event.source !== 'protego').map(({ arrivedAtMs }) => arrivedAtMs),
    );
    expect(data['expiresAt']).toBe(formatRfc3339(lastMs + 2 * HOUR_MS));
    await house.startEngine();
    await feed([unsignedFirmware(lastMs + HOUR_MS, 'offline'), unsignedFirmware(lastMs + HOUR_MS, 'online')]);
    expect(statuses('--entity', 'device:pump-offline')).toEqual(['muted']);
    expect(statuses('--entity', 'device:pump-online')).toEqual(['raised']);
  });

  it('are listed by severity, status, time and number', () => {
    const all = listed();
    expect(listed('--severity', 'critical').length).toBeLessThan(all.length);
    expect(statuses('--status', 'updated')).toEqual(['updated']);
    expect(listed('--limit', '2')).toEqual(all.slice(0, 2));
    expect(listed('--limit', '2', '--reverse')).toEqual(all.slice(-2).reverse());
    const since = listed('--since', formatRfc3339(START_MS + 9 * HOUR_MS));
    expect(since.length).toBeGreaterThan(0);
    expect(since.every((line) => Date.parse(line.detection.certainAt) >= START_MS + 9 * HOUR_MS)).toBe(true);
    expect(listed('--rule', 'none')).toEqual([]);
    const words = done('detection', 'list', '--log', house.logDir, '--entity', 'device:pump-ack');
    expect(words.split('\n')[0]).toMatch(/ {2}raised, acknowledged {2}.*device pump-ack; rule/);
  });

  it.each([
    ['mute', ['--rule', 'r', '--reason', 'x'], 'USAGE_INVALID'],
    ['mute', ['--rule', 'r', '--for', '367d', '--reason', 'x'], 'USAGE_INVALID'],
    ['mute', ['--entity', 'pump-7', '--for', '1h', '--reason', 'x'], 'USAGE_INVALID'],
    ['mute', ['--entity', 'person:nobody', '--for', '1h', '--reason', 'x'], 'PERSON_UNKNOWN'],
    ['acknowledge', ['--detection', 'a', '--for', '1h', '--reason', 'x'], 'DETECTION_UNKNOWN'],
    ['unmute', ['--mute', 'muted-0', '--reason', 'x'], 'MUTE_UNKNOWN'],
  ])('are not muted by `%s %j`', (command, args, code) => {
    const { code: status, err } = run('detection', command, ...inLog(), ...args);
    expect([status, (JSON.parse(err) as { code: string }).code]).toEqual([2, code]);
  });
});
