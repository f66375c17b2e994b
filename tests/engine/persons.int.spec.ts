import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceError, type NatsConnection } from 'nats';
import { checkpointSubject, commandSubject, type ProtegoEvent } from '@protego/contracts';
import { EngineHouse, SITE, until } from './engine-house';
import { bytesOf, probeEvent } from './sample-events';

jest.setTimeout(120_000);

const PERSON = 'anna.lindqvist-4711';
const NAME = 'Anna Lindqvist';
const OTHER = 'bo.ek-0815';
const ERASED_REASON = 'request 2026-117';
const LINES_TYPE = 'application/x-ndjson';

/** Emergency access without a reason, which the shipped rules find. */
function breakGlass(id: string, user: string, name: string): ProtegoEvent {
  const event = probeEvent(Date.now(), { id });
  const data = {
    actor: { user: { uid: user, name } },
    patient: { uid: 'patient-77' },
    device: { uid: 'tablet-1' },
  };
  return { ...event, type: 'access.break-glass-used', subject: user, data };
}

/** A started program whose command line names a person, among other words. */
function program(id: string, commandLine: string): ProtegoEvent {
  const data = { device: { uid: 'ws-1' }, process: { name: 'net.exe', cmd_line: commandLine } };
  return { ...probeEvent(Date.now(), { id }), type: 'device.process-started', subject: 'ws-1', data };
}

/** Files under a directory whose bytes hold a text, in any case. */
function filesHolding(directory: string, text: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())
    .filter((path) => readFileSync(path, 'latin1').toLowerCase().includes(text.toLowerCase()));
}

describe('an engine whose events name persons', () => {
  const backups = mkdtempSync(join(tmpdir(), 'protego-backups-'));
  let house: EngineHouse;
  let operator: NatsConnection;

  const command = async <T>(name: string, input: object): Promise<T> => {
    const reply = await operator.request(commandSubject(SITE, name), JSON.stringify(input), { timeout: 30_000 });
    if (ServiceError.isServiceError(reply)) throw new Error(new TextDecoder().decode(reply.data));
    return reply.json<T>();
  };
  const post = async (...events: readonly ProtegoEvent[]): Promise<void> => {
    const body = Buffer.concat(events.flatMap((event) => [bytesOf(event), Buffer.from('\n')]));
    const response = await house.post(body, LINES_TYPE);
    const { results } = (await response.json()) as { results: { seq?: number }[] };
    expect(results.filter(({ seq }) => seq === undefined)).toEqual([]);
  };
  const held = (): string[] => [
    ...filesHolding(house.logDir, PERSON),
    ...filesHolding(house.logDir, NAME),
    ...filesHolding(join(house.root, 'nats'), PERSON),
    ...filesHolding(join(house.root, 'nats'), NAME),
  ];

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'wall' });
    operator = await house.connect('operator');
    await post(
      breakGlass('glass-1', PERSON, NAME),
      breakGlass('glass-2', OTHER, 'Bo Ek'),
      program('run-1', `net user ${PERSON} /domain`),
      program('run-2', 'start https://portal/?who=Anna%20Lindqvist'),
    );
    await house.drained();
  });

  afterAll(async () => {
    await house.close();
    rmSync(backups, { recursive: true, force: true });
  });

  it('writes no name in clear, neither to the log nor to the bus', async () => {
    expect(held()).toEqual([]);
    const published = (await house.results()).map(({ data }) => Buffer.from(data).toString('utf8'));
    expect(published.length).toBeGreaterThan(0);
    for (const text of published) expect(text).not.toMatch(/lindqvist|bo\.ek/i);
    expect(published.join('\n')).toMatch(/~s\.[A-Za-z0-9_-]{22}/);
  });

  it('seals what it refuses', async () => {
    const response = await house.post(`{"name":"${NAME}"}`, 'application/json');
    expect(response.status).toBe(400);
    const connection = await house.connect('anybody');
    await connection.jetstream().publish(`protego.v1.${SITE}.in.access.probe`, `{"name":"${NAME}", broken`);
    await until(async () => (await house.stream('PROTEGO_REJECTED')).length > 0, 'the dead letter');
    const [letter] = await house.stream('PROTEGO_REJECTED');
    const seen = Buffer.from(letter?.data ?? []).toString('latin1') + (letter?.header('Protego-Reason') ?? '');
    expect(seen).not.toContain('Lindqvist');
    if (letter !== undefined) expect((await house.openLetter(letter)).bytes?.toString()).toContain(NAME);
  });

  it('remembers across a restart what it has taken, sealed or not', async () => {
    const event = breakGlass('glass-3', OTHER, 'Bo Ek');
    await post(event);
    await house.stopEngine();
    await house.startEngine();
    const again = await house.post(bytesOf(event), 'application/json');
    expect(await again.json()).toMatchObject({ duplicate: true });
    const { data } = event as unknown as { data: { actor: { user: { name: string } } } };
    const altered = { ...event, data: { ...data, actor: { user: { uid: OTHER, name: 'Bo Eck' } } } };
    expect((await house.post(bytesOf(altered), 'application/json')).status).toBe(409);
  });

  it('signs checkpoints and publishes them, on request at once', async () => {
    const { checkpoint } = await command<{ checkpoint: string }>('checkpoint', {});
    expect(checkpoint.split('\n')[0]).toBe(`protego/${SITE}`);
    await until(async () => (await house.checkpoints()).includes(checkpoint), 'the checkpoint');
    const subscriber = await house.connect('subscriber');
    const next = subscriber.subscribe(checkpointSubject(SITE), { max: 1 });
    await subscriber.flush();
    await post(program('run-3', 'whoami'));
    await command('checkpoint', {});
    for await (const message of next) expect(message.string()).toMatch(/^protego\/test-site\n\d+\n/);
  });

  it('shows personal fields to who says why, and writes that down first', async () => {
    const { records, eventSeq } = await command<{ records: { event: ProtegoEvent }[]; eventSeq: number }>('reveal', {
      selection: { subject: PERSON, types: ['access.*'] },
      reason: 'case 12',
    });
    expect(records.map(({ event }) => event.data)).toEqual([
      expect.objectContaining({ actor: { user: { uid: PERSON, name: NAME } } }),
    ]);
    const [event] = (await house.log()).filter(({ seq }) => seq === eventSeq);
    expect(event?.event).toMatchObject({ type: 'log.revealed', data: { records: 1, reason: 'case 12' } });
  });

  it('backs up and exports while it runs', async () => {
    const backup = await command<{ size: number }>('backup', { directory: backups });
    expect(backup.size).toBeGreaterThan(4);
    const bundle = await command<{ file: string; records: number }>('export', {
      selection: { subject: OTHER },
      purpose: 'case 13',
    });
    expect(bundle.records).toBeGreaterThan(1);
    expect(statSync(bundle.file).size).toBeGreaterThan(1_000);
  });

  it('answers what it cannot do with a code, and takes commands from operators only', async () => {
    await expect(command('erase', { subject: 'nobody-of-that-name', reason: 'r' })).rejects.toThrow('PERSON_UNKNOWN');
    await expect(command('erase', { subject: PERSON })).rejects.toThrow('REQUEST_INVALID');
    await expect(command('export', { selection: {}, purpose: 'p', file: '/etc/passwd' })).rejects.toThrow(
      'REQUEST_INVALID',
    );
    const subscriber = await house.connect('subscriber');
    await expect(subscriber.request(commandSubject(SITE, 'checkpoint'), '{}', { timeout: 1_000 })).rejects.toThrow();
  });

  it('forgets a person for good: nowhere in clear, not after a restart, and the others stay', async () => {
    const { receipt } = await command<{ receipt: string }>('erase', { subject: PERSON, reason: ERASED_REASON });
    expect(receipt).not.toMatch(/lindqvist/i);
    const before = (await house.results()).length;
    await house.stopEngine();
    await house.startEngine();
    await house.drained();
    expect(await house.metric('protego_pipeline_undecidable_total')).toBeGreaterThanOrEqual(0);
    expect((await house.results()).length).toBe(before);
    expect(held()).toEqual([]);
    const log = JSON.stringify((await house.log()).map(({ event }) => event));
    expect(log).not.toMatch(/lindqvist/i);
    expect(log).toContain(OTHER);
    await house.reading(async ({ house: { vault } }) => expect((await vault.find(PERSON))?.keyIds ?? []).toEqual([]));
    const { receipt: again } = await command<{ receipt: string }>('erase', { subject: PERSON, reason: 'again' });
    expect(again).not.toMatch(/lindqvist/i);
  });

  it('signs a last checkpoint, and publishes it, when it stops', async () => {
    await post(program('run-4', 'whoami'));
    await house.stopEngine();
    const size = (await house.log()).length;
    const last = (await house.checkpoints()).at(-1) ?? '';
    expect(Number(last.split('\n')[1])).toBe(size);
  });

  it('does not start on streams whose key was lost', async () => {
    await house.stopServer();
    const path = join(house.root, 'nats', 'jetstream.key');
    const key = readFileSync(path);
    rmSync(path);
    await expect(house.startServer()).rejects.toThrow('does not serve the stored stream');
    expect(key.length).toBeGreaterThan(32);
  });
});
