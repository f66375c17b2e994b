import { EngineHouse } from './engine-house';
import { detectionLines, feed, historyEvents, logged, published, replayLines } from './fed-history';

jest.setTimeout(300_000);

describe.each([
  ['general', false],
  ['food-coach', true],
])('the history `%s` fed over NATS on the clock of the feed (engine killed in its middle: %s)', (name, isKilled) => {
  let house: EngineHouse;
  let received: string[];

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'feed' });
    const events = historyEvents(name);
    const middle = Math.floor(events.length / 2);
    await feed(house, events.slice(0, middle));
    if (isKilled) {
      await house.killEngine();
      await feed(house, events.slice(middle));
      await house.startEngine();
    } else await feed(house, events.slice(middle));
    await house.drained(120_000);
    received = detectionLines(await published(house));
  });

  afterAll(() => house.close());

  it('is found to the byte by a replay of its log: what was received and what was logged', async () => {
    expect(received.length).toBeGreaterThan(20);
    expect(detectionLines(await logged(house))).toEqual(received);
    expect(replayLines(house, 'directory', '--streams', house.streamsDir)).toEqual(received);
    expect(replayLines(house, 'in-force', '--artefacts', 'in-force')).toEqual(received);
  });
});
