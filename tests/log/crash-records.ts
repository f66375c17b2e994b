import { canonicalJson } from '@protego/contracts';
import type { LogRecordInput } from '@protego/event-log';
import { SeededRandom } from '@protego/event-log/testing';

/** Text that cannot be compressed; parts of it serve where one is needed. */
const NOISE = noise(1 << 16, new SeededRandom(1));

/** A record unlike all others, of any size from some bytes to some kilobytes; with or without all that a record may lack. */
export function crashRecord(number: number, random: SeededRandom): LogRecordInput {
  const textBytes = random.pick([0, 10, 100, 100, 300, 300, 2_000]);
  const text = random.chance(0.5) ? 'x'.repeat(textBytes) : somewhereInNoise(textBytes, random);
  const type = random.pick(['device.joined', 'device.left', 'access.signed-in']);
  const timeMs = 1_700_000_000_000 + number * 10 - random.below(500);
  return {
    body: Buffer.from(canonicalJson({ data: { number, text }, id: `event-${number}`, source: 'gateway', type })),
    timeMs,
    arrivedAtMs: timeMs + 3,
    recordedAtMs: timeMs + 5,
    type,
    ...(random.chance(0.3) ? { sealed: Buffer.from(somewhereInNoise(random.integer(1, 200), random)) } : {}),
    ...(random.chance(0.3) ? { subjects: [`pump-${random.below(40)}`] } : {}),
    ...(random.chance(0.3)
      ? { identity: { idHigh: number + 1, idLow: random.seed(), contentHigh: random.seed(), contentLow: number } }
      : {}),
  };
}

function noise(count: number, random: SeededRandom): string {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_';
  return Array.from({ length: count }, () => letters[random.below(letters.length)]).join('');
}

function somewhereInNoise(count: number, random: SeededRandom): string {
  const at = random.below(NOISE.length - count);
  return NOISE.slice(at, at + count);
}
