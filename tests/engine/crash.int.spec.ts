import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Detection, ProtegoEvent } from '@protego/contracts';
import { isOutputType } from '@protego/streams';
import { ADMINISTRATOR_USER, EngineHouse, until, type Logged, type Stored } from './engine-house';
import { lossesOf, publicationFaultsOf, repetitionsOf } from './exactly-once';
import { LOAD_SOURCES, Load, seededRandom } from './load';
import { FIRMWARE_RULE, SAMPLE_RULE_FILES, STUFFING_RULE, bytesOf, unsignedFirmware } from './sample-events';
import { protego } from './up-run';

const SEED = Number(process.env['PROTEGO_CRASH_SEED'] ?? Date.now() % 1_000_000);
const ROUNDS = Number(process.env['PROTEGO_CRASH_ROUNDS'] ?? 50);
/** Shorter than most outages, so that the bus itself cannot tell a repeated event. */
const DUPLICATE_WINDOW_MS = 200;
const LONG_OUTAGE_MS = 1_000;
const PROBLEMS_SHOWN = 20;
/** A loaded machine lags far behind. */
const DRAINED_MS_MAX = 300_000;
/** So that nobody waits a minute for feeds that have nothing more to say. */
const IDLE_AFTER_MS = 5_000;

jest.setTimeout(600_000);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe(`an engine that is killed ${ROUNDS} times under load (PROTEGO_CRASH_SEED=${SEED})`, () => {
  const random = seededRandom(SEED);
  let house: EngineHouse;
  let load: Load;
  let log: Logged[];
  let published: Stored[];
  let longOutages = 0;

  /** An instant of its life: often after it is ready, sometimes while it reads the log again. */
  const killAtRandom = async (): Promise<void> => {
    const started = house.startEngine().catch(() => undefined);
    if (random() < 0.7) await started;
    await pause(600 * random());
    await house.killEngine();
  };

  const restartServer = async (): Promise<void> => {
    await house.startEngine();
    await house.stopServer();
    await pause(300);
    await house.startServer();
    await pause(500 * random());
    await house.killEngine();
  };

  /** The server is away while detections are appended, and still is when the engine dies. */
  const holdPublicationBack = async (): Promise<void> => {
    await house.startEngine();
    await house.stopServer();
    const before = await house.metric('protego_pipeline_results_total');
    await until(async () => (await house.metric('protego_pipeline_results_total')) > before + 5, 'detections');
    await house.killEngine();
    await house.startServer();
  };

  /** It dies between an attack, which came in time, and the moment at which it is certain. */
  const surviveAttack = async (): Promise<void> => {
    const subscriber = await house.connect(ADMINISTRATOR_USER);
    let isFound = false;
    subscriber.subscribe('protego.v1.*.detection.>', {
      callback: (_error, { data }) => (isFound ||= Buffer.from(data).includes(STUFFING_RULE)),
    });
    await load.attack();
    await house.killEngine();
    await house.startEngine();
    await until(() => isFound, 'the last attack to be found', DRAINED_MS_MAX);
    await subscriber.close();
  };

  const round = async (n: number): Promise<void> => {
    if (n === Math.floor(ROUNDS / 3)) await restartServer();
    else if (n === Math.floor(ROUNDS / 2)) await holdPublicationBack();
    else await killAtRandom();
    if (n % 8 !== 3) return;
    longOutages++;
    await pause(LONG_OUTAGE_MS + 150 * random());
  };

  beforeAll(async () => {
    console.log(`PROTEGO_CRASH_SEED=${SEED}`);
    house = await EngineHouse.open({
      clock: 'wall',
      tickAfterMs: 200,
      duplicateWindowMs: DUPLICATE_WINDOW_MS,
      idleAfterMs: IDLE_AFTER_MS,
      tokens: LOAD_SOURCES,
      ruleFiles: SAMPLE_RULE_FILES,
    });
    load = new Load(house, random);
    load.start(await house.connect('probe'), await house.connect('simulation'));
    await pause(500);
    await house.killEngine();
    for (let n = 1; n < ROUNDS; n++) await round(n);
    await house.startEngine();
    await load.stop();
    await house.drained(DRAINED_MS_MAX);
    await surviveAttack();
    const ticks = await house.metric('protego_log_records');
    await until(async () => (await house.metric('protego_log_records')) > ticks, 'a tick in the silence');
    expect(await house.stopEngine()).toBe(0);
    log = await house.log();
    published = await house.results();
  });

  afterAll(() => house.close());

  const counted = (): { source: string; id: string; seq: number }[] =>
    log.map(({ seq, event: { source, id } }) => ({ source, id, seq }));
  const results = (): Logged[] => log.filter(({ event }) => isOutputType(event.type));
  const detections = (): Detection[] =>
    log.filter(({ event }) => event.type === 'detection.raised').map(({ event }) => event.data as unknown as Detection);

  it('had enough to do', () => {
    const byRule = (ruleId: string): number => detections().filter((detection) => detection.ruleId === ruleId).length;
    const facts = {
      acknowledged: load.acknowledged.length,
      retries: load.retryCount,
      duplicates: load.duplicateCount,
      records: log.length,
      firmware: byRule(FIRMWARE_RULE),
      stuffing: byRule(STUFFING_RULE),
      late: results().filter(({ event }) => event.type === 'pipeline.event-came-late').length,
      ticks: log.filter(({ event }) => event.type === 'clock.ticked').length,
      longOutages,
    };
    console.log(JSON.stringify({ spec: 'crash', rounds: ROUNDS, ...facts }));
    for (const [name, count] of Object.entries(facts)) expect([name, count > 0]).toEqual([name, true]);
    if (ROUNDS >= 50) expect(longOutages).toBeGreaterThanOrEqual(5);
  });

  it('has every acknowledged event in the log, at the place that was answered', () => {
    expect(lossesOf(load.acknowledged, counted()).slice(0, PROBLEMS_SHOWN)).toEqual([]);
  });

  it('has nothing twice in the log, neither events nor detections', () => {
    expect(repetitionsOf(counted()).slice(0, PROBLEMS_SHOWN)).toEqual([]);
  });

  it('has published each result once, in the order of the log, as it stands there', () => {
    const logged = results();
    const bodies = published.map(({ data }) => JSON.parse(Buffer.from(data).toString()) as ProtegoEvent);
    const messages = published.map((message, i) => ({
      id: (bodies[i] as ProtegoEvent).id,
      seq: Number(message.header('Protego-Seq')),
    }));
    const expected = logged.map(({ seq, event: { id } }) => ({ id, seq }));
    expect(publicationFaultsOf(expected, messages).slice(0, PROBLEMS_SHOWN)).toEqual([]);
    expect(bodies).toEqual(logged.map(({ event }) => event));
  });

  it('refused nothing', async () => {
    expect(await house.stream('PROTEGO_REJECTED')).toEqual([]);
  });

  it('left a log that verifies', () => {
    expect(protego('log', 'verify', '--log', house.logDir)).toMatchObject({ status: 0 });
  });

  it('found exactly what a replay of its log finds', () => {
    const out = join(house.root, 'replay');
    const run = protego('replay', '--log', house.logDir, '--streams', house.streamsDir, '--out', out, '--json');
    expect([run.status, run.output]).toEqual([0, run.output]);
    const lines = readFileSync(join(out, 'detections.jsonl'), 'utf8').split('\n').slice(0, -1);
    const replayed = lines.map((line) => (JSON.parse(line) as Detection).id).sort();
    expect(replayed).toEqual(
      detections()
        .map(({ id }) => id)
        .sort(),
    );
    const { counts } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as { counts: { late: number } };
    expect(counts.late).toBe(results().filter(({ event }) => event.type === 'pipeline.event-came-late').length);
  });
});

describe('an engine whose published results have outlived their stream', () => {
  let house: EngineHouse;
  beforeAll(async () => {
    const options = { duplicateWindowMs: 100, maxAgeMs: 1_000, ruleFiles: SAMPLE_RULE_FILES };
    house = await EngineHouse.open({ clock: 'wall', ...options });
  });
  afterAll(() => house.close());

  const publishedIds = async (): Promise<string[]> =>
    (await house.results()).map(({ data }) => {
      const { entities } = (JSON.parse(Buffer.from(data).toString()) as { data: Detection }).data;
      return entities[0]?.id ?? '';
    });

  it('does not publish them again, and publishes what is new', async () => {
    await house.post(bytesOf(unsignedFirmware(Date.now(), 'old')), 'application/json');
    await until(async () => (await publishedIds()).includes('pump-old'), 'the first detection');
    await until(async () => (await publishedIds()).length === 0, 'its end');
    await house.killEngine();
    await house.startEngine();
    await house.post(bytesOf(unsignedFirmware(Date.now(), 'new')), 'application/json');
    await until(async () => (await publishedIds()).includes('pump-new'), 'the second detection');
    expect(await publishedIds()).toEqual(['pump-new']);
  });
});
