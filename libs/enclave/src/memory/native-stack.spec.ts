import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { blake2b } from '../sodium';
import { overwriteNativeStack } from './native-stack';

/** All that stands on the stack of this process's first thread. */
function stack(): Buffer {
  const line = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .find((each) => each.endsWith('[stack]'));
  const [start, end] = (line?.split(' ')[0] ?? '').split('-').map((address) => Number.parseInt(address, 16));
  const bytes = Buffer.alloc((end as number) - (start as number));
  const memory = openSync('/proc/self/mem', 'r');
  readSync(memory, bytes, 0, bytes.length, start as number);
  closeSync(memory);
  return bytes;
}

/** Makes a secret from so deep within functions that call each other. */
function makeSecret(depth: number, secret: Buffer, key = Buffer.alloc(32, depth)): void {
  if (depth > 0) makeSecret(depth - 1, secret, key);
  else blake2b(secret, Buffer.from('protego/content/1', 'latin1'), key);
}

describe('overwriteNativeStack', () => {
  it('leaves nothing of secrets, however deep they were made', () => {
    let found = 0;
    for (let depth = 0; depth < 100; depth++) {
      const secret = Buffer.alloc(32);
      makeSecret(depth, secret);
      const halves = [secret.subarray(0, 16), secret.subarray(16)];
      const before = stack();
      overwriteNativeStack();
      const after = stack();
      if (halves.some((half) => before.includes(half))) found++;
      expect(halves.map((half) => after.includes(half))).toEqual([false, false]);
    }
    // Reading the stack uses the stack: not every secret is still there then.
    expect(found).toBeGreaterThan(0);
  });
});
