import { RunControl } from './run-control';

describe('RunControl', () => {
  it('lets a run go on, halts it, and lets it go on again', async () => {
    const control = new RunControl();
    await control.turn();
    control.pause();
    let isThrough = false;
    const turn = control.turn().then(() => (isThrough = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([isThrough, control.isPaused]).toEqual([false, true]);
    control.resume();
    await turn;
    expect([isThrough, control.isPaused]).toEqual([true, false]);
  });

  it('stays halted when it is halted again at once', async () => {
    const control = new RunControl();
    control.pause();
    let isThrough = false;
    const turn = control.turn().then(() => (isThrough = true));
    control.resume();
    control.pause();
    await new Promise((resolve) => setImmediate(resolve));
    expect(isThrough).toBe(false);
    control.resume();
    await turn;
    expect(isThrough).toBe(true);
  });

  it('ends a run, also one that is halted', async () => {
    const control = new RunControl();
    control.pause();
    const turn = control.turn();
    control.cancel();
    await expect(turn).rejects.toMatchObject({ code: 'REPLAY_CANCELLED' });
    await expect(control.turn()).rejects.toMatchObject({ code: 'REPLAY_CANCELLED' });
  });
});
