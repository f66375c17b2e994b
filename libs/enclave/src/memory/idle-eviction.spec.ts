import { setTimeout as wait } from 'node:timers/promises';
import { IdleEviction } from './idle-eviction';

describe('IdleEviction', () => {
  it('encrypts once nothing was done for a while, and again after the next work', async () => {
    let evictions = 0;
    const idle = new IdleEviction(
      () => evictions++,
      () => undefined,
      40,
    );
    for (let n = 0; n < 8; n++) {
      idle.touch();
      await wait(10);
    }
    expect(evictions).toBe(0);
    await wait(120);
    expect(evictions).toBe(1);
    await wait(120);
    expect(evictions).toBe(1);
    idle.touch();
    await wait(120);
    expect(evictions).toBe(2);
    idle.touch();
    idle.close();
    await wait(120);
    expect(evictions).toBe(2);
  });

  it('tells when it fails', async () => {
    const said: string[] = [];
    const fail = (): never => {
      throw new Error('locked');
    };
    new IdleEviction(fail, (message) => said.push(message), 5).touch();
    await wait(60);
    expect(said).toEqual(['keys could not be encrypted in memory: locked']);
  });
});
