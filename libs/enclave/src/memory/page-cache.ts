import { ProtegoError } from '@protego/contracts';
import { PAGE_BYTES } from './page-cipher';

/** Returned where a page is not cached. */
export const NOT_CACHED = -1;

/**
 * Places for plaintext pages, and which page is in which. The one to make room is the first that was not used since the
 * hand of the clock last passed (second chance); pages that are lent out stay.
 */
export class PageCache {
  #capacityMax: number;
  /** By place: the plaintext, as bytes and as half words. */
  readonly #views: Buffer[] = [];
  readonly #halfWords: Uint16Array[] = [];
  /** By page: its place, plus one. */
  readonly #placeOf: Uint32Array;
  /** By place: its page, plus one. */
  readonly #pageAt: Uint32Array;
  readonly #isUsed: Uint8Array;
  readonly #isDirty: Uint8Array;
  readonly #loans: Uint32Array;
  #lent = 0;
  #cached = 0;
  #hand = 0;

  /** A cache without places, of the pages below `pageCount`. */
  constructor(capacityMax: number, pageCount: number) {
    this.#capacityMax = capacityMax;
    this.#placeOf = new Uint32Array(pageCount);
    this.#pageAt = new Uint32Array(capacityMax);
    this.#isUsed = new Uint8Array(capacityMax);
    this.#isDirty = new Uint8Array(capacityMax);
    this.#loans = new Uint32Array(capacityMax);
  }

  /** Number of places. */
  get capacity(): number {
    return this.#views.length;
  }

  /** Most places that there can be. */
  get capacityMax(): number {
    return this.#capacityMax;
  }

  /** Whether there is a page at every place. */
  get isFull(): boolean {
    return this.#cached === this.#views.length;
  }

  /** Leaves the number of places as it is, for ever. */
  stopGrowing(): void {
    this.#capacityMax = this.capacity;
  }

  /** Adds places, which are the next to be given out. @param plaintext zeroed guarded memory, a multiple of {@link PAGE_BYTES} */
  addPlaces(plaintext: Buffer): void {
    this.#hand = this.capacity;
    for (let at = 0; at < plaintext.length; at += PAGE_BYTES) {
      this.#views.push(plaintext.subarray(at, at + PAGE_BYTES));
      this.#halfWords.push(new Uint16Array(plaintext.buffer, plaintext.byteOffset + at, PAGE_BYTES / 2));
    }
  }

  /** Pages that are cached. */
  get size(): number {
    return this.#cached;
  }

  /** Whether a page is lent out. */
  get isLent(): boolean {
    return this.#lent > 0;
  }

  /** Place of a page, which counts as used from now on; or {@link NOT_CACHED}. */
  find(page: number): number {
    const place = (this.#placeOf[page] as number) - 1;
    if (place >= 0) this.#isUsed[place] = 1;
    return place;
  }

  /** Plaintext of a place. */
  view(place: number): Buffer {
    return this.#views[place] as Buffer;
  }

  /** Plaintext of a place as 16-bit half words of the machine. */
  halfWords(place: number): Uint16Array {
    return this.#halfWords[place] as Uint16Array;
  }

  /** Page at a place; or {@link NOT_CACHED}. */
  pageAt(place: number): number {
    return (this.#pageAt[place] as number) - 1;
  }

  /** Whether a place holds what the backing store does not. */
  isDirty(place: number): boolean {
    return this.#isDirty[place] === 1;
  }

  /** Notes that a place holds what the backing store does not. */
  setDirty(place: number): void {
    this.#isDirty[place] = 1;
  }

  /** Lends a place out: it keeps its page until it is given back as often. */
  lend(place: number): void {
    this.#loans[place] = (this.#loans[place] as number) + 1;
    this.#lent++;
  }

  /** Takes a place back. */
  giveBack(place: number): void {
    this.#loans[place] = (this.#loans[place] as number) - 1;
    this.#lent--;
  }

  /**
   * A place to put a page into; what is there must be removed first.
   *
   * @throws ProtegoError `ENCLAVE_PAGES_LENT` when every place is lent out
   */
  nextPlace(): number {
    // Twice round: the first time takes the mark of use away.
    for (let steps = 2 * this.capacity; steps > 0; steps--) {
      const place = this.#hand;
      this.#hand = place + 1 === this.capacity ? 0 : place + 1;
      if (this.#loans[place] !== 0) continue;
      if (this.#isUsed[place] === 0) return place;
      this.#isUsed[place] = 0;
    }
    throw new ProtegoError('ENCLAVE_PAGES_LENT', `all \`${this.capacity}\` cached pages are lent out at once`, {
      cachePages: this.capacity,
    });
  }

  /** Zeroes a place and forgets which page it held. */
  remove(place: number): void {
    const page = this.pageAt(place);
    if (page === NOT_CACHED) return;
    this.view(place).fill(0);
    this.#placeOf[page] = 0;
    this.#pageAt[place] = 0;
    this.#isUsed[place] = 0;
    this.#isDirty[place] = 0;
    this.#cached--;
  }

  /** Notes that a place holds a page, just used. */
  put(place: number, page: number): void {
    this.#placeOf[page] = place + 1;
    this.#pageAt[place] = page + 1;
    this.#isUsed[place] = 1;
    this.#cached++;
  }
}
