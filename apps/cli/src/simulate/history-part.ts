import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { canonicalJson } from '@protego/contracts';
import type { PlantedEvents, Simulation, SimulationOptions } from '@protego/simulation';

const PART_SLICES_MIN = 36;
const PART_SLICES_MAX = 288;
/** Parts of a history that has fewer than so many days. */
const PARTS = 8;

/**
 * Slices of a history that are made, compressed and written together: three hours of a day, a day of longer histories, because
 * each thread plans whole days. It hangs on the length alone, so that any number of threads writes the same bytes.
 */
export function slicesOfPart(sliceCount: number): number {
  return Math.min(PART_SLICES_MAX, Math.max(PART_SLICES_MIN, Math.ceil(sliceCount / PARTS)));
}

/** Takes less than half the time of level 6, and a quarter more room. */
const GZIP_LEVEL = 3;

/** What a thread is told when it begins. */
export interface PartMakerOptions {
  readonly simulation: SimulationOptions;
}

/** Which part to make. */
export interface PartOrder {
  readonly fromSlice: number;
  readonly toSlice: number;
}

/** One part of a history. */
export interface HistoryPart extends PartOrder {
  readonly count: number;
  /** Lines of canonical JSON. */
  readonly lines: Uint8Array;
  /** The lines as a gzip member: members one after the other are a gzip file (RFC 1952, section 2.2). */
  readonly member: Uint8Array;
  readonly planted: PlantedEvents;
}

/** Makes one part: a function of its arguments alone, so that it does not matter which thread makes it. */
export function makePart(simulation: Simulation, { fromSlice, toSlice }: PartOrder): HistoryPart {
  const part = simulation.part(fromSlice, toSlice);
  const chunks: Buffer[] = [];
  let text = '';
  let count = 0;
  for (const event of part.events) {
    text += `${canonicalJson(event)}\n`;
    count++;
    if (text.length < 65_536) continue;
    chunks.push(Buffer.from(text, 'utf8'));
    text = '';
  }
  chunks.push(Buffer.from(text, 'utf8'));
  const lines = Buffer.concat(chunks);
  return { fromSlice, toSlice, count, lines, member: gzipSync(lines, { level: GZIP_LEVEL }), planted: part.planted };
}

/** Lines that were written: how many, and the SHA-256 (hex) of them before compression. */
export interface WrittenLines {
  readonly count: number;
  readonly sha256: string;
}

/** Counts and hashes lines on their way into a file. */
export class LineTally {
  readonly #hash = createHash('sha256');
  #count = 0;

  add(lines: Uint8Array, count: number): void {
    this.#hash.update(lines);
    this.#count += count;
  }

  get count(): number {
    return this.#count;
  }

  /** Once, at the end. */
  written(): WrittenLines {
    return { count: this.#count, sha256: this.#hash.digest('hex') };
  }
}
