import { spawnSync } from 'node:child_process';
import type { ProtegoEvent } from '@protego/contracts';
import { blocksOf } from '../log/key-rotation/rotation-oracle';
import { EngineHouse, PROTEGO } from './engine-house';
import { bytesOf, unsignedFirmware } from './sample-events';

jest.setTimeout(120_000);

interface Rotation {
  readonly dataKeyId: number;
  readonly eventSeq: number;
}

describe('protego enclave rotate', () => {
  let house: EngineHouse;

  const rotate = (...more: string[]): Rotation => {
    const args = ['enclave', 'rotate', '--log', house.logDir, '--json', ...more];
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROTEGO, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
    return JSON.parse(stdout) as Rotation;
  };
  const engineUrl = (): string => {
    const { name, password } = house.user('operator');
    return house.natsUrl.replace('://', `://${name}:${encodeURIComponent(password)}@`);
  };
  const take = async (id: string): Promise<void> => {
    const response = await house.post(bytesOf(unsignedFirmware(Date.now(), id)), 'application/json');
    expect(response.status).toBe(200);
  };
  /** Numbers of the data keys by seq. */
  const keyAt = (seq: number): number | undefined =>
    blocksOf(house.logDir).find(({ firstSeq, count }) => firstSeq <= seq && seq < firstSeq + count)?.dataKeyId;
  const events = (): Promise<{ seq: number; event: ProtegoEvent }[]> => house.log();

  beforeAll(async () => {
    house = await EngineHouse.open({ clock: 'wall', tokens: ['probe'] });
  });
  afterAll(() => house.close());

  it('gives the log of a running engine a new data key, which is in use at once', async () => {
    await take('before');
    const { dataKeyId, eventSeq } = rotate('--engine', engineUrl());
    expect(dataKeyId).toBe(2);
    await take('after');
    const log = await events();
    const seqOf = (id: string): number => log.find(({ event }) => event.id === id)?.seq ?? -1;
    expect(log[eventSeq]?.event).toMatchObject({ type: 'log.key-rotated', data: { dataKeyId: 2 } });
    expect([seqOf('before'), eventSeq, seqOf('after')].map(keyAt)).toEqual([1, 2, 2]);
  });

  it('does the same itself when no engine holds the log, and the engine goes on from there', async () => {
    await house.stopEngine();
    expect(rotate().dataKeyId).toBe(3);
    await house.startEngine();
    await take('later');
    const log = await events();
    const { seq } = log.find(({ event }) => event.id === 'later') ?? { seq: -1 };
    expect(keyAt(seq)).toBe(3);
    await house.stopEngine();
    await house.reading(({ reader }) => expect(reader.verify()).toMatchObject({ ok: true, problems: [] }));
  });

  it('says what is wrong', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [PROTEGO, 'enclave', 'rotate', '--log', `${house.logDir}-none`],
      { encoding: 'utf8' },
    );
    expect(status).toBe(2);
    expect(stderr).toMatch(/LOG_KEY_MISSING|LOG_NOT_FOUND/);
  });
});
