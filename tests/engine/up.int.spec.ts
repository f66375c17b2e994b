import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { Detection, ProtegoEvent } from '@protego/contracts';
import { overwritingFreedMemory } from '@protego/enclave';
import { SITE_DEFAULT, type SimulationLabel } from '@protego/simulation';
import { demoSimulation } from '../../apps/cli/src/up/demo-feed';
import { isAbout, tokensOf } from '../planted-activities';
import { EngineHouse, ROOT, until } from './engine-house';
import { bytesOf, subjectOf, unsignedFirmware } from './sample-events';
import { UpRun, clearDataDirectory, newDataDirectory, processesNaming, protego } from './up-run';

/** Longest time until nothing is left of what lost its parent. */
const ORPHAN_MS_MAX = 15_000;
const HOUR_IS_THROUGH = 'The hour is through';

jest.setTimeout(120_000);

const detectionOf = (event: ProtegoEvent): Detection => event.data as unknown as Detection;
const idsOf = (events: readonly ProtegoEvent[]): string[] => events.map(({ id }) => id).sort();

function detectionValidator(): ValidateFunction {
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  const path = join(ROOT, 'docs/reference/schemas/detection.raised@1.json');
  return ajv.compile(JSON.parse(readFileSync(path, 'utf8')) as object);
}

/** What is planted in the hour that a run says it feeds. */
function labelsOf(remarks: string): readonly SimulationLabel[] {
  const [, seed, day, time] = /Feeding hour (\d+) of a simulated hospital \((\S+) (\S+) UTC\)/.exec(remarks) ?? [];
  const simulation = demoSimulation({ number: Number(seed), startTime: `${day}T${time}:00.000Z` }, SITE_DEFAULT);
  for (const _ of simulation.events);
  return simulation.labels();
}

/** Every attack has a detection that names somebody or something of it, and no detection is about anything else. */
async function expectExactlyTheAttacks(run: UpRun, log: string): Promise<void> {
  const detections = run.printed().map((event) => detectionOf(event));
  const labels = labelsOf(run.remarks);
  const namesOf = await tokensOf(log, labels);
  const attacks = labels.filter(({ kind }) => kind === 'attack');
  expect(attacks).toHaveLength(3);
  expect(labels.length).toBeGreaterThan(attacks.length);
  for (const attack of attacks) {
    const found = detections.filter((detection) => isAbout(detection, attack, namesOf));
    expect([attack.activity, found.length > 0]).toEqual([attack.activity, true]);
  }
  const isOfAttack = (detection: Detection): boolean => attacks.some((attack) => isAbout(detection, attack, namesOf));
  expect(detections.filter((detection) => !isOfAttack(detection))).toEqual([]);
}

describe('protego up --demo', () => {
  const data = newDataDirectory();
  const received: ProtegoEvent[] = [];
  let first: UpRun;
  let firstCode: number | null;
  let leftAfterFirst: string[];

  beforeAll(async () => {
    first = UpRun.start(data, '--demo');
    const subscriber = await first.connectSubscriber();
    subscriber.subscribe('protego.v1.*.detection.>', {
      callback: (error, message) => {
        if (error === null) received.push(message.json<ProtegoEvent>());
      },
    });
    await first.said(HOUR_IS_THROUGH);
    await subscriber.close();
    first.child.kill('SIGINT');
    firstCode = await first.ended();
    leftAfterFirst = processesNaming(data);
  });

  afterAll(() => clearDataDirectory(data));

  it('finds exactly the attacks that are planted', async () => {
    await expectExactlyTheAttacks(first, join(data, 'log'));
  });

  it('delivers the same to another program that knows only the URL file', () => {
    expect(received).toEqual(first.printed());
  });

  it('sends messages that validate against the published schema', () => {
    const validate = detectionValidator();
    for (const message of received) {
      validate(message);
      expect(validate.errors ?? []).toEqual([]);
      expect(validate({ ...message, data: { ...message.data, severity: 'terrible' } })).toBe(false);
      expect(validate({ ...message, time: 'yesterday' })).toBe(false);
    }
  });

  it('stops everything on Ctrl-C and exits with 0', () => {
    expect({ firstCode, leftAfterFirst }).toEqual({ firstCode: 0, leftAfterFirst: [] });
  });

  it('goes on with its log and the next hour at the second start, and ends by itself with --once', async () => {
    const { size } = JSON.parse(protego('log', 'stat', '--json', '--log', join(data, 'log')).output) as {
      size: number;
    };
    const second = UpRun.start(data, '--demo', '--once');
    expect(await second.ended()).toBe(0);
    expect(second.remarks).toContain(`resumed its log at ${size} records`);
    await expectExactlyTheAttacks(second, join(data, 'log'));
    expect(idsOf(second.printed()).filter((id) => idsOf(first.printed()).includes(id))).toEqual([]);
    expect(processesNaming(data)).toEqual([]);
    const { ok, size: grown } = JSON.parse(protego('log', 'verify', '--json', '--log', join(data, 'log')).output) as {
      ok: boolean;
      size: number;
    };
    expect([ok, grown > 2 * 0.8 * size]).toEqual([true, true]);
  });
});

describe('protego up that loses its parent or is stopped early', () => {
  let data: string;
  beforeEach(() => (data = newDataDirectory()));
  afterEach(() => clearDataDirectory(data));

  const nothingIsLeft = (): Promise<void> =>
    until(() => processesNaming(data).length === 0, `the end of ${processesNaming(data).join('; ')}`, ORPHAN_MS_MAX);

  it('leaves nothing when it is killed', async () => {
    const run = UpRun.start(data);
    await run.said('NATS listens');
    expect(processesNaming(data).length).toBeGreaterThan(2);
    run.child.kill('SIGKILL');
    await run.ended();
    await nothingIsLeft();
  });

  it('leaves nothing when the program that started it is killed', async () => {
    const run = UpRun.startUnderParent(data);
    await run.said('NATS listens');
    run.child.kill('SIGKILL');
    await run.ended();
    await nothingIsLeft();
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ends with 0 on %s while the engine starts', async (signal) => {
    const run = UpRun.start(data, '--demo');
    await until(() => processesNaming(join(data, 'protego.yaml')).length > 0, 'the engine to be started');
    run.child.kill(signal);
    expect([await run.ended(), run.remarks]).toEqual([0, expect.not.stringContaining('unexpectedly')]);
    expect(processesNaming(data)).toEqual([]);
  });

  it('ends with 0 on Ctrl-C in the middle of the hour, and the log verifies', async () => {
    const run = UpRun.start(data, '--demo');
    await run.said('Feeding hour');
    run.child.kill('SIGINT');
    expect([await run.ended(), run.remarks]).toEqual([0, expect.not.stringContaining('unexpectedly')]);
    expect(processesNaming(data)).toEqual([]);
    expect(protego('log', 'verify', '--log', join(data, 'log')).status).toBe(0);
  });

  it('ends with 3 when the engine dies, and leaves nothing', async () => {
    const run = UpRun.start(data);
    await run.said('NATS listens');
    const [engine] = processesNaming(join(data, 'protego.yaml'));
    process.kill(Number(engine?.split(' ')[0]), 'SIGKILL');
    expect([await run.ended(), run.remarks]).toEqual([3, expect.stringContaining('the engine ended unexpectedly')]);
    expect(processesNaming(data)).toEqual([]);
  });

  it('ends with 2 on an option that it does not know', () => {
    expect(protego('up', '--data', data, '--clock', 'wall').status).toBe(2);
  });
});

describe('an engine on the wall clock', () => {
  let house: EngineHouse;
  beforeAll(async () => (house = await EngineHouse.open({ clock: 'wall', tickAfterMs: 250 })));
  afterAll(() => house.close());

  const startAnother = (config: string): { status: number | null; code: unknown } => {
    const program = join(ROOT, 'dist/apps/engine/src/main.js');
    const env = overwritingFreedMemory(process.env);
    const { status, stderr } = spawnSync(process.execPath, [program, config], {
      encoding: 'utf8',
      timeout: 30_000,
      env,
    });
    const line = stderr.split('\n').find((each) => each.startsWith('{')) ?? '{}';
    return { status, code: (JSON.parse(line) as { code?: unknown }).code };
  };

  it('appends ticks while nothing happens, and goes on in time', async () => {
    const startMs = Date.now();
    await until(async () => (await house.metric('protego_log_records')) >= 4, 'three ticks');
    const log = (await house.log()).filter(({ event }) => event.type !== 'artefact.activated');
    expect(new Set(log.map(({ event }) => `${event.source} ${event.type}`))).toEqual(new Set(['protego clock.ticked']));
    const times = log.map(({ arrivedAtMs }) => arrivedAtMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(Math.abs((times.at(-1) ?? 0) - startMs)).toBeLessThan(10_000);
    log.slice(1).forEach(({ arrivedAtMs }, i) => expect(arrivedAtMs - (times[i] ?? 0)).toBeGreaterThanOrEqual(200));
  });

  it('is not disturbed by a second engine on its log, which ends with 3 and LOG_LOCKED', async () => {
    expect(startAnother(house.writeConfig())).toEqual({ status: 3, code: 'LOG_LOCKED' });
    expect((await fetch(`${house.httpUrl}/health/ready`)).status).toBe(200);
    const connection = await house.connect('probe');
    const event = unsignedFirmware(Date.now(), 'undisturbed');
    await connection.jetstream().publish(subjectOf(event), bytesOf(event));
    await until(async () => (await house.metric('protego_results_published_total')) === 1, 'a detection');
  });

  it('ends with 2 where its configuration is missing or wrong, and with 3 where there is no bus', async () => {
    expect(startAnother(join(house.root, 'missing.yaml'))).toEqual({ status: 2, code: 'CONFIG_INVALID' });
    expect(await house.stopEngine()).toBe(0);
    const config = house.writeConfig();
    await house.stopServer();
    expect(startAnother(config)).toEqual({ status: 3, code: 'NATS_UNAVAILABLE' });
    rmSync(join(house.streamsDir, 'declarations/sources.yaml'));
    expect(startAnother(config).status).toBe(2);
  });
});
