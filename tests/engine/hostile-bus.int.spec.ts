import { connect as openSocket } from 'node:net';
import { ADMINISTRATOR_USER, ANYBODY_USER, EngineHouse, until } from './engine-house';
import { SAMPLE_RULE_FILES, bytesOf, probeEvent, subjectOf, unsignedFirmware } from './sample-events';

/** Ids of the results in the stream, in its order. */
async function published(house: EngineHouse): Promise<string[]> {
  return (await house.results()).map(
    ({ data }) => (JSON.parse(Buffer.from(data).toString('utf8')) as { id: string }).id,
  );
}

describe('an engine on a bus that others handle badly', () => {
  let house: EngineHouse;

  const send = async (id: string): Promise<void> => {
    const event = unsignedFirmware(Date.now(), id);
    const stream = (await house.connect('probe')).jetstream();
    await stream.publish(subjectOf(event), bytesOf(event), { msgID: `probe/${id}` });
    await until(async () => (await house.log()).some((record) => record.event.id === id), `event ${id}`);
    await house.drained();
  };

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'wall', ruleFiles: SAMPLE_RULE_FILES });
  }, 60_000);

  afterAll(() => house.close(), 30_000);

  it('goes on when its consumer is deleted, and says meanwhile that it is not ready', async () => {
    await send('before');
    const manager = await (await house.connect(ADMINISTRATOR_USER)).jetstreamManager();
    await manager.consumers.delete('PROTEGO_IN', 'engine');
    await send('after');
    await until(async () => (await fetch(`${house.httpUrl}/health/ready`)).status === 200, 'readiness');
  }, 60_000);

  it('publishes nothing twice after the output stream was purged, and what comes then at once', async () => {
    const before = await published(house);
    expect(before.length).toBeGreaterThanOrEqual(2);
    const manager = await (await house.connect(ADMINISTRATOR_USER)).jetstreamManager();
    await manager.streams.purge('PROTEGO_OUT');
    await house.killEngine();
    await house.startEngine();
    await send('after-purge');
    const after = await published(house);
    expect(after).toHaveLength(1);
    expect(before).not.toContain(after[0]);
  }, 60_000);

  it('lets no source make the event of another vanish by its message id', async () => {
    const stream = (await house.connect(ANYBODY_USER)).jetstream();
    const claim = probeEvent(Date.now(), { id: 'claim' });
    const victim = probeEvent(Date.now(), { id: 'victim' });
    await stream.publish(subjectOf(claim), bytesOf(claim), { msgID: 'probe/victim' });
    await house.drained();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { duplicate } = await stream.publish(subjectOf(victim), bytesOf(victim), { msgID: 'probe/victim' });
    expect(duplicate).toBe(false);
    await until(async () => (await house.log()).some(({ event }) => event.id === 'victim'), 'the event');
  }, 60_000);

  it('refuses to start with another log on a bus that serves one already', async () => {
    await house.stopEngine();
    const { logDir } = house;
    Object.assign(house, { logDir: `${logDir}-other` });
    await expect(house.startEngine()).rejects.toThrow('NATS_STREAM_FOREIGN');
    Object.assign(house, { logDir });
    await house.startEngine();
    await send('own-log');
  }, 60_000);

  it('stops in time while a client never ends its request', async () => {
    const { hostname, port } = new URL(house.httpUrl);
    const socket = openSocket({ host: hostname, port: Number(port) });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(
      'POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ' +
        'token-of-probe-0123456789abcdef' +
        '\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{',
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    const startMs = performance.now();
    expect(await house.stopEngine()).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(9_000);
    socket.destroy();
  }, 60_000);
});
