import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DiskImage } from './disk-tree';
import type { SeededRandom } from './seeded-random';

/** What a real directory holds. */
export function imageOf(root: string): DiskImage {
  const image = new Map<string, Buffer | undefined>();
  if (!existsSync(root)) return image;
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    const real = join(root, path);
    image.set(path, statSync(real).isDirectory() ? undefined : readFileSync(real));
  }
  return image;
}

/** Puts an image in the place of all that a real directory holds. */
export function putImage(root: string, image: DiskImage): void {
  for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
  for (const [path, content] of image) {
    if (content === undefined) mkdirSync(join(root, path), { mode: 0o700 });
    else writeFileSync(join(root, path), content, { mode: 0o600 });
  }
}

/** What a disk holds after a power cut, and what its cache held before. */
interface BypassedDisk {
  readonly root: string;
  readonly held: DiskImage;
  readonly cached: ReadonlyMap<string, Buffer>;
  readonly random: SeededRandom;
  /** Takes the paths that differ from the cache. */
  readonly bypassed: Set<string>;
}

/** Adds what others changed without asking the disk: after a power cut it is there or not. */
export function withBypassed({ root, held, cached, random, bypassed }: BypassedDisk): DiskImage {
  const image = new Map(held);
  const real = imageOf(root);
  for (const [path, content] of real) {
    if (content === undefined || cached.get(path)?.equals(content) === true) continue;
    bypassed.add(path);
    const isPlaced = !path.includes('/') || image.has(path.slice(0, path.lastIndexOf('/')));
    if (isPlaced && random.chance(0.5)) image.set(path, random.chance(0.5) ? content : Buffer.alloc(0));
  }
  for (const path of cached.keys()) {
    if (real.has(path)) continue;
    bypassed.add(path);
    if (random.chance(0.5)) image.delete(path);
  }
  return image;
}
