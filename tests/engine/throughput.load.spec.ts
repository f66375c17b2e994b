import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { ProtegoEvent } from '@protego/contracts';
import { isOutputType } from '@protego/streams';
import { EngineHouse, SITE, until } from './engine-house';
import { lossesOf, publicationFaultsOf, repetitionsOf } from './exactly-once';

const FLOOD_EVENTS = 100_000;
const STEADY_EVENTS = 50_000;
const STEADY_PER_SECOND = 5_000;
/** Of five hundred, fifteen make up an attack; of the others, every fiftieth raises a detection by itself. */
const STATELESS_EVENTS = (STEADY_EVENTS / 500) * 9;
const STATEFUL_EVENTS = STEADY_EVENTS / 500;
/** What the windows of the shipped declarations wait for. */
const LATENESS_MS = 2_000;
/** Loose, because a shared machine may stall; the figures are printed. */
const STATELESS_P99_MS_MAX = 1_000;

jest.setTimeout(300_000);

interface SteadyResult {
  readonly stateless: number[];
  readonly stateful: number[];
  readonly failures: number;
  readonly unanswered: number;
}

const quantile = (values: readonly number[], part: number): number =>
  Number([...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))]?.toFixed(1));

describe('an engine under load from another process', () => {
  let house: EngineHouse;
  beforeAll(async () => (house = await EngineHouse.open({ clock: 'wall' })));
  afterAll(() => house.close());

  const urlOf = (name: string): string =>
    house.natsUrl.replace('nats://', `nats://${name}:${house.user(name).password}@`);

  const publishing = (options: object): Promise<string> =>
    new Promise((resolve, reject) => {
      const url = { probe: urlOf('probe'), subscriber: urlOf('subscriber') };
      const settings = JSON.stringify({ ...options, url, site: SITE });
      const child = spawn(process.execPath, [join(__dirname, 'publisher.mjs'), settings], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.once('close', (code) =>
        code === 0 ? resolve(output) : reject(new Error(`the publisher ended with ${code}`)),
      );
    });

  const expectAllOnce = async (prefix: string, count: number): Promise<void> => {
    const log = (await house.log()).map(({ seq, event: { source, id } }) => ({ source, id, seq }));
    const sent = Array.from({ length: count }, (_, n) => ({ source: 'probe', id: `${prefix}-${n}` }));
    expect(lossesOf(sent, log).slice(0, 20)).toEqual([]);
    expect(repetitionsOf(log).slice(0, 20)).toEqual([]);
  };

  it(`takes ${FLOOD_EVENTS} events, each once`, async () => {
    const finished = publishing({ mode: 'flood', count: FLOOD_EVENTS, inFlightMax: 4_096 });
    await house.reading(({ reader }) => until(() => reader.stat().size >= FLOOD_EVENTS, 'all events', 120_000));
    const durableMs = performance.timeOrigin + performance.now();
    const { startMs, publishedMs } = JSON.parse(await finished) as { startMs: number; publishedMs: number };
    const perSecond = (endMs: number): number => Math.round((FLOOD_EVENTS * 1_000) / (endMs - startMs));
    console.log(
      JSON.stringify({
        spec: 'throughput',
        events: FLOOD_EVENTS,
        publishedPerSecond: perSecond(publishedMs),
        durablePerSecond: perSecond(durableMs),
      }),
    );
    await house.drained();
    await expectAllOnce('flood', FLOOD_EVENTS);
  });

  it(`answers at ${STEADY_PER_SECOND} events a second, each detection once`, async () => {
    const options = { mode: 'steady', count: STEADY_EVENTS, ratePerSecond: STEADY_PER_SECOND };
    const { stateless, stateful, failures, unanswered } = JSON.parse(await publishing(options)) as SteadyResult;
    const figures = (values: number[]): object => ({
      count: values.length,
      p50: quantile(values, 0.5),
      p99: quantile(values, 0.99),
    });
    console.log(
      JSON.stringify({
        spec: 'latency',
        perSecond: STEADY_PER_SECOND,
        latenessMs: LATENESS_MS,
        statelessMs: figures(stateless),
        statefulMs: figures(stateful),
      }),
    );
    expect({ failures, unanswered }).toEqual({ failures: 0, unanswered: 0 });
    expect(stateful).toHaveLength(STATEFUL_EVENTS);
    expect(stateless).toHaveLength(STATELESS_EVENTS);
    expect(quantile(stateless, 0.99)).toBeLessThan(STATELESS_P99_MS_MAX);
    expect(quantile(stateful, 0)).toBeGreaterThan(LATENESS_MS - 100);
    await house.drained();
    await expectAllOnce('steady', STEADY_EVENTS);
    const results = (await house.log()).filter(({ event }) => isOutputType(event.type));
    const published = await house.results();
    const messages = published.map((each) => ({
      id: (JSON.parse(Buffer.from(each.data).toString('utf8')) as ProtegoEvent).id,
      seq: Number(each.header('Protego-Seq')),
    }));
    const expected = results.map(({ seq, event: { id } }) => ({ id, seq }));
    expect(publicationFaultsOf(expected, messages).slice(0, 20)).toEqual([]);
  });
});
