import { inspect } from 'node:util';
import * as sodium from '../sodium';
import { GUARDED_BYTES_MAX, GUARDED_PIECES_MAX, GuardedBytes, guardedMemoryUse } from './guarded-memory';
import { guardedMemoryState } from './guarded-memory-state';

const nextTurn = (): Promise<void> => new Promise(setImmediate);
const withCode = (code: string) => expect.objectContaining({ code });

jest.mock('../sodium', () => ({ __esModule: true, ...jest.requireActual('../sodium') }));

afterEach(async () => {
  jest.restoreAllMocks();
  await nextTurn();
  expect(guardedMemoryUse()).toEqual({ pieces: 0, bytes: 0, unlockedBytes: 0 });
});

describe('GuardedBytes', () => {
  it('is zeroed at first, is writable, and is wiped', () => {
    const guarded = GuardedBytes.allocate(4_112);
    expect(guarded.bytes.equals(Buffer.alloc(4_112))).toBe(true);
    guarded.words.fill(0xffffffff);
    expect(guarded.bytes.every((byte) => byte === 0xff)).toBe(true);
    guarded.wipe();
    expect(guarded.bytes.equals(Buffer.alloc(4_112))).toBe(true);
    guarded.free();
  });

  it('leaves nothing after it was freed', () => {
    const guarded = GuardedBytes.allocate(32);
    const view = guarded.bytes.subarray(0, 16);
    guarded.free();
    guarded.free();
    expect(view).toHaveLength(0);
    expect(() => guarded.bytes).toThrow(withCode('ENCLAVE_CLOSED'));
    expect(() => guarded.words).toThrow(withCode('ENCLAVE_CLOSED'));
    expect(() => guarded.wipe()).toThrow(withCode('ENCLAVE_CLOSED'));
  });

  it('shows nothing of its content', () => {
    const guarded = GuardedBytes.allocate(16);
    guarded.bytes.fill('S');
    expect(inspect(guarded, { showHidden: true, getters: false }) + JSON.stringify(guarded)).not.toMatch(/53|83|SS/);
    guarded.free();
  });

  it.each([0, -16, 8, 17, 1.5, Number.NaN])('refuses %d bytes', (bytes) => {
    expect(() => GuardedBytes.allocate(bytes)).toThrow(withCode('ENCLAVE_RANGE_INVALID'));
  });

  it('is bounded, and counts what was freed until it is given back', async () => {
    expect(() => GuardedBytes.allocate(GUARDED_BYTES_MAX + 16)).toThrow(withCode('GUARDED_MEMORY_FULL'));
    const pieces = Array.from({ length: GUARDED_PIECES_MAX }, () => GuardedBytes.allocate(16));
    expect(() => GuardedBytes.allocate(16)).toThrow(withCode('GUARDED_MEMORY_FULL'));
    for (const piece of pieces) piece.free();
    expect(() => GuardedBytes.allocate(16)).toThrow(withCode('GUARDED_MEMORY_FULL'));
    await nextTurn();
    GuardedBytes.allocate(16).free();
  });
});

describe('guardedMemoryState', () => {
  it('says how well it is protected here', () => {
    const guarded = GuardedBytes.allocate(1 << 20);
    const state = guardedMemoryState();
    expect(state).toMatchObject({ isLocked: guarded.isLocked, isLeftOutOfCoreDumps: true, guardedBytes: 1 << 20 });
    expect(state.unlockedBytes).toBe(guarded.isLocked ? 0 : 1 << 20);
    expect(state.warning === undefined).toBe(guarded.isLocked);
    if (guarded.isLocked) expect(state.lockedBytes).toBeGreaterThanOrEqual(1 << 20);
    guarded.free();
  });

  it('takes a secret over, which is gone where it was, also when it cannot be taken', () => {
    const secret = Buffer.alloc(32, 7);
    const taken = GuardedBytes.take(secret);
    expect([taken.bytes.equals(Buffer.alloc(32, 7)), secret.equals(Buffer.alloc(32))]).toEqual([true, true]);
    taken.free();
    const odd = Buffer.alloc(31, 7);
    expect(() => GuardedBytes.take(odd)).toThrow(expect.objectContaining({ code: 'ENCLAVE_RANGE_INVALID' }));
    expect(odd.equals(Buffer.alloc(31))).toBe(true);
  });

  it('warns when the kernel locks nothing, also before anything is allocated', async () => {
    jest.spyOn(sodium, 'lockMemory').mockImplementation(() => {
      throw new Error('memory lock failed');
    });
    expect(guardedMemoryState()).toMatchObject({ isLocked: false, warning: expect.stringContaining('ulimit -l') });
    await nextTurn();
    const guarded = GuardedBytes.allocate(64);
    expect(guarded.isLocked).toBe(false);
    expect(guardedMemoryState()).toMatchObject({ isLocked: false, guardedBytes: 64, unlockedBytes: 64 });
    guarded.free();
  });
});
