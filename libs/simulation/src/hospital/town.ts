import { SeededRandom } from '../random';
import { ScrambledNumbers, drawFraction, drawIndex } from './draws';
import type { Resident } from './model';
import { surnameOf } from './surnames';

/** Residents for each bed of the hospital. */
export const RESIDENTS_PER_BED = 200;

// Households of a street by size: 60 of them, 134 people, as small and large as households of a European town are.
const HOUSEHOLDS_BY_SIZE = [
  [1, 20],
  [2, 20],
  [3, 9],
  [4, 8],
  [5, 3],
] as const;
/** Residents of one street. */
export const STREET_RESIDENTS = HOUSEHOLDS_BY_SIZE.reduce((sum, [size, count]) => sum + size * count, 0);
const STREET_HOUSEHOLDS = HOUSEHOLDS_BY_SIZE.reduce((sum, [, count]) => sum + count, 0);

/** Share of a household that bears its common name. */
const COMMON_NAME_SHARE = 0.8;
/** Streets whose plan is kept at a time. */
const STREETS_KEPT_MAX = 2048;
/** Residents that are kept at a time. */
const RESIDENTS_KEPT_MAX = 16_384;

const STREET_BEGINNINGS =
  'Amsel Bahn Birken Blumen Brücken Buchen Burg Dom Erlen Falken Forst Garten Glocken Hafen Heide Hirten Holz Kastanien Kirsch Kloster Korn Linden Markt Mohn Mond Mühl Nelken Nord Nuss Ost Pappel Park Quell Reben Ring Rosen Sand Schiller Schloss See Sonnen Stein Süd Tal Tannen Turm Ufer Ulmen Wald Wasser Weiden Wein West Wiesen Winkel Zeder Ziegel';
const STREET_ENDS = 'weg straße gasse allee platz ring steig pfad ufer damm garten hof berg kamp feld';
/** Names of streets before numbers come in. */
const STREET_NAMES = STREET_ENDS.split(' ').flatMap((end) =>
  STREET_BEGINNINGS.split(' ').map((beginning) => beginning + end),
);

interface StreetPlan {
  /** Household of each place in the street. */
  readonly householdOfPlace: Uint8Array;
  /** First place of each household, and the end of the last. */
  readonly firstPlaces: Uint8Array;
}

/** Everybody who lives in the town, by index; nobody is stored, and answers do not depend on what was asked before. */
export class Town {
  readonly residentCount: number;
  readonly #seed: number;
  readonly #nameKey: number;
  readonly #numbers: ScrambledNumbers;
  readonly #streets = new Map<number, StreetPlan>();
  readonly #residents = new Map<number, Resident>();

  constructor(seed: number, bedCount: number) {
    this.#seed = seed;
    this.#nameKey = SeededRandom.ofStream(seed, 'surnames').word();
    this.#numbers = new ScrambledNumbers(6, SeededRandom.ofStream(seed, 'patient-numbers').word());
    // Whole streets, so that every household is complete.
    this.residentCount = Math.ceil((bedCount * RESIDENTS_PER_BED) / STREET_RESIDENTS) * STREET_RESIDENTS;
  }

  /** Somebody by index, 0 to below `residentCount`. */
  resident(index: number): Resident {
    const kept = this.#residents.get(index);
    if (kept !== undefined) return kept;
    const resident = this.#build(index);
    if (this.#residents.size >= RESIDENTS_KEPT_MAX) this.#residents.clear();
    this.#residents.set(index, resident);
    return resident;
  }

  /** Index of the resident with a `patient.uid`; undefined where it is nobody's. */
  indexOf(patientUid: string): number | undefined {
    if (!patientUid.startsWith('pt-')) return undefined;
    const index = this.#numbers.indexOf(patientUid.slice(3));
    return index !== undefined && index < this.residentCount ? index : undefined;
  }

  /** Number of a household, unique in the town. */
  householdNumberOf(index: number): number {
    const street = Math.floor(index / STREET_RESIDENTS);
    const place = index % STREET_RESIDENTS;
    return street * STREET_HOUSEHOLDS + (this.#street(street).householdOfPlace[place] as number);
  }

  /** Indices of those who live in the household of somebody, including that person. */
  householdIndices(index: number): number[] {
    const streetIndex = Math.floor(index / STREET_RESIDENTS);
    const street = this.#street(streetIndex);
    const household = street.householdOfPlace[index % STREET_RESIDENTS] as number;
    const first = street.firstPlaces[household] as number;
    const size = (street.firstPlaces[household + 1] as number) - first;
    return Array.from({ length: size }, (_, i) => streetIndex * STREET_RESIDENTS + first + i);
  }

  /** Those who share a household with somebody, without that person. */
  householdOf(resident: Resident): Resident[] {
    return this.householdIndices(resident.index)
      .filter((index) => index !== resident.index)
      .map((index) => this.resident(index));
  }

  /** Up to `countMax` residents of the same street who do not share the household, those next door first. */
  neighboursOf(resident: Resident, countMax: number): Resident[] {
    const streetIndex = Math.floor(resident.index / STREET_RESIDENTS);
    const { householdOfPlace } = this.#street(streetIndex);
    const place = resident.index % STREET_RESIDENTS;
    const neighbours: Resident[] = [];
    for (let step = 1; step < STREET_RESIDENTS && neighbours.length < countMax; step++) {
      for (const other of [place + step, place - step]) {
        if (other < 0 || other >= STREET_RESIDENTS || neighbours.length >= countMax) continue;
        if (householdOfPlace[other] === householdOfPlace[place]) continue;
        neighbours.push(this.resident(streetIndex * STREET_RESIDENTS + other));
      }
    }
    return neighbours;
  }

  #build(index: number): Resident {
    const household = this.householdNumberOf(index);
    const isCommon = drawFraction(this.#nameKey, index, 1) < COMMON_NAME_SHARE;
    const surname = isCommon ? surnameOf(this.#nameKey, household, 2) : surnameOf(this.#nameKey, index, 3);
    const street = this.#streetName(Math.floor(index / STREET_RESIDENTS));
    // Odd and even house numbers, as streets have two sides.
    const address = `${street} ${(household % STREET_HOUSEHOLDS) + 1}`;
    return Object.freeze({ index, patientUid: `pt-${this.#numbers.of(index)}`, surname, street, address });
  }

  #streetName(street: number): string {
    // A stride that shares no factor with the number of names spreads them; large towns have numbered ones as well.
    const offset = drawIndex(STREET_NAMES.length, this.#nameKey, 0, 4);
    const name = STREET_NAMES[(street * 389 + offset) % STREET_NAMES.length] as string;
    const turn = Math.floor(street / STREET_NAMES.length);
    return turn === 0 ? name : `${turn + 1}. ${name}`;
  }

  #street(street: number): StreetPlan {
    const kept = this.#streets.get(street);
    if (kept !== undefined) return kept;
    const plan = planStreet(SeededRandom.ofStream(this.#seed, `street/${street}`));
    if (this.#streets.size >= STREETS_KEPT_MAX) this.#streets.clear();
    this.#streets.set(street, plan);
    return plan;
  }
}

function planStreet(random: SeededRandom): StreetPlan {
  const sizes = HOUSEHOLDS_BY_SIZE.flatMap(([size, count]) => Array.from({ length: count }, () => size));
  const householdOfPlace = new Uint8Array(STREET_RESIDENTS);
  const firstPlaces = new Uint8Array(STREET_HOUSEHOLDS + 1);
  let place = 0;
  random.sample(sizes, sizes.length).forEach((size, household) => {
    firstPlaces[household] = place;
    householdOfPlace.fill(household, place, place + size);
    place += size;
  });
  firstPlaces[STREET_HOUSEHOLDS] = place;
  return { householdOfPlace, firstPlaces };
}
