import { systemClock } from '@protego/contracts';
import { openHouseKeys } from '@protego/enclave';
import type { AcceptedItem } from '@protego/sources';
import { ImportSession } from '../../apps/cli/src/import/import-session';
import { SHIPPED_FIELDS } from '../history-log';
import { EngineHouse, SITE, until } from './engine-house';
import { STUFFING_NAMES, STUFFING_RULE, bytesOf, clockTick, failedSignIn, subjectOf } from './sample-events';

const ADDRESS = '203.0.113.77';

/** Failed sign-ins with different names, a few milliseconds apart, enough for a detection when `count` is. */
async function attack(house: EngineHouse, startMs: number, from: number, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, i) =>
    failedSignIn(startMs + i, `try-${from + i}`, ADDRESS, `name-${from + i}`),
  );
  const response = await house.post(
    Buffer.concat(lines.flatMap((line) => [bytesOf(line), Buffer.from('\n')])),
    'application/x-ndjson',
  );
  expect(response.status).toBe(200);
}

/** One event some seconds ahead, with which the watermark passes what came before. */
async function passTime(house: EngineHouse, id: string): Promise<void> {
  const event = failedSignIn(Date.now() + 5_000, id, '198.51.100.1', 'nobody');
  expect((await house.post(bytesOf(event), 'application/json')).status).toBe(200);
}

async function stuffings(house: EngineHouse): Promise<number> {
  return (await house.log()).filter(({ event }) => event.data['ruleId'] === STUFFING_RULE).length;
}

describe('an engine beside imports', () => {
  let house: EngineHouse;

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'wall', tickAfterMs: 200 });
  }, 60_000);

  afterAll(() => house.close(), 30_000);

  it('counts across the restart in which it closes an import that was cut off', async () => {
    const half = Math.ceil(STUFFING_NAMES / 2);
    await attack(house, Date.now(), 0, half);
    await house.drained();
    await house.stopEngine();
    // Opened and never closed, as a killed import leaves it.
    const session = await ImportSession.open({
      directory: house.logDir,
      fields: SHIPPED_FIELDS,
      site: SITE,
      files: ['past.ndjson'],
      clock: systemClock,
      openHouse: openHouseKeys,
    });
    const pastMs = Date.UTC(2024, 0, 1);
    const items: AcceptedItem[] = [];
    for (let i = 0; i < 600; i++) {
      items.push({
        kind: 'event',
        event: failedSignIn(pastMs + i, `past-${i}`, '198.51.100.9', 'one-name'),
        timeMs: pastMs + i,
        arrivedAtMs: pastMs + i,
        line: i + 1,
        path: 'past.ndjson',
      });
    }
    await session.take(items);
    await session.abandon();
    await house.startEngine();
    await attack(house, Date.now(), half, STUFFING_NAMES - half);
    await passTime(house, 'pass-1');
    await until(async () => (await stuffings(house)) === 1, 'the detection');
    const closings = (await house.log()).filter(({ event }) => event.type === 'log.session-closed');
    expect(closings.map(({ event }) => event.data['reason'])).toEqual(['abandoned']);
  }, 90_000);

  it('goes on by its own clock after an import whose times it never had', async () => {
    const before = await stuffings(house);
    await house.stopEngine();
    const session = await ImportSession.open({
      directory: house.logDir,
      fields: SHIPPED_FIELDS,
      site: SITE,
      files: [],
      clock: systemClock,
      openHouse: openHouseKeys,
    });
    const aheadMs = Date.now() + 3_600_000;
    const ahead: AcceptedItem = {
      kind: 'event',
      event: failedSignIn(aheadMs, 'ahead', '198.51.100.9', 'a-name'),
      timeMs: aheadMs,
      arrivedAtMs: aheadMs,
      line: 1,
      path: 'ahead.ndjson',
    };
    await session.take([ahead]);
    await session.close();
    await house.startEngine();
    await attack(house, Date.now() + 1, 1_000, STUFFING_NAMES);
    await until(
      async () => (await house.log()).some(({ event }) => event.id === `try-${1_000 + STUFFING_NAMES - 1}`),
      'the events',
    );
    const last = (await house.log()).filter(({ event }) => event.source === 'probe').at(-1);
    expect((last?.arrivedAtMs ?? Infinity) - Date.now()).toBeLessThan(1_000);
    expect(await stuffings(house)).toBeGreaterThanOrEqual(before);
  }, 90_000);
});

describe('an engine on the clock of a feed', () => {
  it('is not carried into the far future by one message', async () => {
    const house = await EngineHouse.open({ clock: 'feed' });
    try {
      const feed = await house.connect('simulation');
      const stream = feed.jetstream();
      const startMs = Date.UTC(2026, 2, 2, 7);
      const far = { ...clockTick(Date.UTC(2100, 0, 1)), id: 'far' };
      for (const event of [clockTick(startMs), far, clockTick(startMs + 1_000)])
        await stream.publish(subjectOf(event), bytesOf(event));
      await house.drained();
      const arrivals = (await house.log())
        .filter(({ event }) => event.type === 'clock.ticked')
        .map(({ arrivedAtMs }) => arrivedAtMs);
      expect(arrivals).toEqual([startMs, startMs, startMs + 1_000]);
    } finally {
      await house.close();
    }
  }, 60_000);
});
