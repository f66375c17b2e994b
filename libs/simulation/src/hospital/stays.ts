import { SeededRandom } from '../random';
import { drawIndex } from './draws';
import type { Resident, Stay, Ward } from './model';
import { DAY_MS } from './shifts';
import type { Town } from './town';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Beds whose patients come from one part of the town; patients are transferred between them. */
const POOL_BEDS = 4;
/** Days that are planned at once; at their end the beds of a pool are empty for some hours. */
const EPOCH_DAYS = 28;
/** How far back somebody's last stay is looked for: a year. */
const LOOK_BACK_EPOCHS = 13;
const DAYS_KEPT_MAX = 8;
const EPOCHS_KEPT_PER_POOL = LOOK_BACK_EPOCHS + 4;
/** One resident in so many never comes to the hospital but to die there, so that nobody is treated after death. */
const LAST_STAY_EVERY = 5;

// Lengths of stay in days, each as likely as the others: mean 5.2, a long tail.
const STAY_DAYS = [1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 6, 7, 7, 8, 8, 9, 10, 12, 14, 18];
// Hours for which a bed stays empty, each as likely as the others.
const EMPTY_HOURS = [1, 2, 2, 3, 4, 5, 6, 8, 10, 14, 18, 22, 28, 40];
/** Share of patients who come in the hours in which nobody is admitted by appointment. */
const NIGHT_SHARE = 0.3;
const TRANSFER_SHARE = 0.14;
const DEATH_SHARE = 0.022;
const OTHER_HOSPITAL_SHARE = 0.03;
const TRANSFER_GAP_MS = 12 * HOUR_MS;

interface Pool {
  readonly index: number;
  /** Ward of each bed. */
  readonly wards: readonly string[];
  /** Day on which epoch 0 begins. */
  readonly firstDay: number;
}

interface Epoch {
  /** By bed of the pool, in time. */
  readonly byBed: readonly (readonly Stay[])[];
  /** By index of the patient, in time. */
  readonly byPatient: ReadonlyMap<number, readonly Stay[]>;
}

interface Answer {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stays: readonly Stay[];
}

/** Who lies where, as a function of seed, bed and time: stays of a bed are planned four weeks at a time. */
export class Stays {
  readonly #pools: readonly Pool[];
  /** Beds of a ward as pool and place in it. */
  readonly #bedsOf = new Map<string, (readonly [Pool, number])[]>();
  readonly #epochs = new Map<number, Epoch>();
  readonly #inpatients = new Map<string, Answer>();
  readonly #changes = new Map<number, readonly Stay[]>();
  #house: Answer | undefined;
  #former: { day: number; stays: readonly Stay[] } = { day: Number.NaN, stays: [] };

  constructor(
    private readonly seed: number,
    wards: readonly Ward[],
    private readonly town: Town,
  ) {
    this.#pools = planPools(seed, wards);
    for (const { name, bedCount } of wards) if (bedCount > 0) this.#bedsOf.set(name, []);
    for (const pool of this.#pools) {
      pool.wards.forEach((ward, bed) => {
        this.#bedsOf.get(ward)?.push([pool, bed]);
      });
    }
  }

  /** True of residents who are patients at most once, at the end of their lives; nobody of the staff is one of them. */
  isLastStayOnly(residentIndex: number): boolean {
    return Math.floor(residentIndex / this.#pools.length) % LAST_STAY_EVERY === LAST_STAY_EVERY - 1;
  }

  /** Who lies in a bed at a time, of one ward where one is named; the list holds until the next admission or discharge. */
  inpatients(timeMs: number, ward?: string): readonly Stay[] {
    if (ward !== undefined) return this.#inpatientsOf(timeMs, ward).stays;
    const kept = this.#house;
    if (kept !== undefined && timeMs >= kept.fromMs && timeMs < kept.toMs) return kept.stays;
    const answers = [...this.#bedsOf.keys()].map((name) => this.#inpatientsOf(timeMs, name));
    const answer = {
      fromMs: Math.max(...answers.map(({ fromMs }) => fromMs)),
      toMs: Math.min(...answers.map(({ toMs }) => toMs)),
      stays: answers.flatMap(({ stays }) => stays),
    };
    this.#house = answer;
    return answer.stays;
  }

  /** The stay of a patient at a time. */
  stayOf(patientUid: string, timeMs: number): Stay | undefined {
    const stay = this.#lastStayOf(patientUid, timeMs, 0);
    return stay !== undefined && timeMs < stay.endMs ? stay : undefined;
  }

  /** Ward in which a patient is, or was last within a year. */
  wardOfPatient(patientUid: string, timeMs: number): string | undefined {
    return this.#lastStayOf(patientUid, timeMs, LOOK_BACK_EPOCHS)?.ward;
  }

  /** Up to `countMax` stays that ended between 5 and 60 days before a time, of people who have not come back; equal all day. */
  formerStays(timeMs: number, countMax: number): readonly Stay[] {
    const day = Math.floor(timeMs / DAY_MS);
    if (this.#former.day !== day) this.#former = { day, stays: this.#listFormer(day) };
    const { stays } = this.#former;
    return stays.length <= countMax ? stays : stays.slice(0, countMax);
  }

  /** Stays that begin in a time span. */
  beginning(startMs: number, endMs: number): Stay[] {
    return this.#changed(startMs, endMs, 'startMs');
  }

  /** Stays that end in a time span. */
  ending(startMs: number, endMs: number): Stay[] {
    return this.#changed(startMs, endMs, 'endMs');
  }

  #changed(fromMs: number, toMs: number, edge: 'startMs' | 'endMs'): Stay[] {
    const found: Stay[] = [];
    for (let day = Math.floor(fromMs / DAY_MS); day * DAY_MS < toMs; day++) {
      for (const stay of this.#changesOf(day)) if (stay[edge] >= fromMs && stay[edge] < toMs) found.push(stay);
    }
    return found;
  }

  /** Stays that begin or end on a day. A stay that does both on different days is found on both. */
  #changesOf(day: number): readonly Stay[] {
    const kept = this.#changes.get(day);
    if (kept !== undefined) return kept;
    const isOn = (timeMs: number): boolean => Math.floor(timeMs / DAY_MS) === day;
    const stays = this.within(day * DAY_MS - 1, (day + 1) * DAY_MS);
    const changes = stays.filter(({ startMs, endMs }) => isOn(startMs) || isOn(endMs));
    if (this.#changes.size >= DAYS_KEPT_MAX) this.#changes.delete(this.#changes.keys().next().value as number);
    this.#changes.set(day, changes);
    return changes;
  }

  /** Stays that touch a time span, bed by bed. */
  within(startMs: number, endMs: number): Stay[] {
    const stays: Stay[] = [];
    for (const pool of this.#pools) {
      for (let epoch = epochAt(pool, startMs); epoch <= epochAt(pool, endMs - 1); epoch++) {
        for (const bed of this.#epoch(pool, epoch).byBed) {
          for (const stay of bed) if (stay.startMs < endMs && stay.endMs > startMs) stays.push(stay);
        }
      }
    }
    return stays;
  }

  #inpatientsOf(timeMs: number, ward: string): Answer {
    const kept = this.#inpatients.get(ward);
    if (kept !== undefined && timeMs >= kept.fromMs && timeMs < kept.toMs) return kept;
    const answer = this.#listInpatients(timeMs, this.#bedsOf.get(ward) ?? []);
    // Bounded by the number of wards; a name that is no ward's is not kept.
    if (this.#bedsOf.has(ward)) this.#inpatients.set(ward, answer);
    return answer;
  }

  #listInpatients(timeMs: number, beds: readonly (readonly [Pool, number])[]): Answer {
    const stays: Stay[] = [];
    let fromMs = Number.NEGATIVE_INFINITY;
    let toMs = Number.POSITIVE_INFINITY;
    for (const [pool, bed] of beds) {
      const epoch = epochAt(pool, timeMs);
      const [epochFromMs, epochToMs] = epochSpan(pool, epoch);
      fromMs = Math.max(fromMs, epochFromMs);
      toMs = Math.min(toMs, epochToMs);
      for (const stay of this.#epoch(pool, epoch).byBed[bed] as readonly Stay[]) {
        if (stay.endMs <= timeMs) fromMs = Math.max(fromMs, stay.endMs);
        else if (stay.startMs > timeMs) toMs = Math.min(toMs, stay.startMs);
        else {
          stays.push(stay);
          fromMs = Math.max(fromMs, stay.startMs);
          toMs = Math.min(toMs, stay.endMs);
        }
      }
    }
    return { fromMs, toMs, stays };
  }

  #lastStayOf(patientUid: string, timeMs: number, epochsBack: number): Stay | undefined {
    const index = this.town.indexOf(patientUid);
    if (index === undefined) return undefined;
    const pool = this.#pools[index % this.#pools.length] as Pool;
    const newest = epochAt(pool, timeMs);
    for (let epoch = newest; epoch >= newest - epochsBack; epoch--) {
      const last = this.#epoch(pool, epoch)
        .byPatient.get(index)
        ?.findLast(({ startMs }) => startMs <= timeMs);
      if (last !== undefined) return last;
    }
    return undefined;
  }

  #listFormer(day: number): Stay[] {
    const [fromMs, toMs] = [(day - 59) * DAY_MS, (day - 5) * DAY_MS];
    const untilMs = (day + 1) * DAY_MS;
    const stays: Stay[] = [];
    for (const pool of this.#pools) {
      const recent = this.#staysOf(pool, fromMs, untilMs);
      for (const stay of recent) {
        if (stay.endMs < fromMs || stay.endMs > toMs || stay.outcome === 'transferred') continue;
        const isBack = recent.some(
          (other) => other.patient.index === stay.patient.index && other.startMs >= stay.endMs,
        );
        if (!isBack) stays.push(stay);
      }
    }
    return SeededRandom.ofStream(this.seed, `former/${day}`).sample(stays, stays.length);
  }

  #staysOf(pool: Pool, startMs: number, endMs: number): Stay[] {
    const stays: Stay[] = [];
    for (let epoch = epochAt(pool, startMs); epoch <= epochAt(pool, endMs - 1); epoch++) {
      for (const bed of this.#epoch(pool, epoch).byBed) stays.push(...bed);
    }
    return stays;
  }

  #epoch(pool: Pool, epoch: number): Epoch {
    const key = epoch * this.#pools.length + pool.index;
    const kept = this.#epochs.get(key);
    if (kept !== undefined) return kept;
    const random = SeededRandom.ofStream(this.seed, `beds/${pool.index}/${epoch}`);
    const byBed = new EpochPlan(pool, epoch, random, this.#pools.length, this.town).byBed();
    const planned = { byBed, byPatient: groupByPatient(byBed) };
    if (this.#epochs.size >= this.#pools.length * EPOCHS_KEPT_PER_POOL) {
      this.#epochs.delete(this.#epochs.keys().next().value as number);
    }
    this.#epochs.set(key, planned);
    return planned;
  }
}

interface PlannedStay {
  patient: Resident;
  ward: string;
  startMs: number;
  endMs: number;
  outcome: Stay['outcome'];
}

/** Plans four weeks of the beds of a pool. */
class EpochPlan {
  readonly #beds: PlannedStay[][];
  readonly #freeMs: number[];
  readonly #lastDay: number;
  #hasDeath = false;

  constructor(
    private readonly pool: Pool,
    private readonly epoch: number,
    private readonly random: SeededRandom,
    private readonly poolCount: number,
    private readonly town: Town,
  ) {
    const firstDay = pool.firstDay + epoch * EPOCH_DAYS;
    this.#lastDay = firstDay + EPOCH_DAYS - 1;
    this.#beds = pool.wards.map(() => []);
    this.#freeMs = pool.wards.map(() => firstDay * DAY_MS + random.integer(0, 14 * 60) * MINUTE_MS);
  }

  byBed(): readonly (readonly Stay[])[] {
    const endMs = this.#lastDay * DAY_MS;
    for (;;) {
      const bed = this.#freeMs.indexOf(Math.min(...this.#freeMs));
      if ((this.#freeMs[bed] as number) >= endMs) break;
      const startMs = this.#admissionMs(this.#freeMs[bed] as number);
      if (startMs >= endMs) this.#freeMs[bed] = Number.POSITIVE_INFINITY;
      else if (!this.#transfer(bed, startMs)) this.#admit(bed, startMs);
    }
    return this.#beds.map((stays) => stays.map((stay) => Object.freeze({ ...stay })));
  }

  /** By day at once, at night only in an emergency, else in the morning. */
  #admissionMs(freeMs: number): number {
    const hour = Math.floor((freeMs % DAY_MS) / HOUR_MS);
    if ((hour >= 8 && hour < 20) || this.random.chance(NIGHT_SHARE)) return freeMs;
    const day = Math.floor(freeMs / DAY_MS) + (hour >= 20 ? 1 : 0);
    return day * DAY_MS + 8 * HOUR_MS + this.random.integer(0, 180) * MINUTE_MS;
  }

  /** Brings somebody from another ward into a bed, if somebody there has stayed and will stay for some time. */
  #transfer(bed: number, startMs: number): boolean {
    if (!this.random.chance(TRANSFER_SHARE)) return false;
    const ward = this.pool.wards[bed] as string;
    const from = this.#beds.findIndex((stays, other) => {
      const last = stays.at(-1);
      return (
        last !== undefined &&
        this.pool.wards[other] !== ward &&
        last.startMs + TRANSFER_GAP_MS <= startMs &&
        last.endMs - TRANSFER_GAP_MS >= startMs
      );
    });
    const left = this.#beds[from]?.at(-1);
    if (left === undefined) return false;
    (this.#beds[bed] as PlannedStay[]).push({ ...left, ward, startMs });
    this.#empty(bed, left.endMs);
    left.endMs = startMs;
    left.outcome = 'transferred';
    this.#empty(from, startMs);
    return true;
  }

  #admit(bed: number, startMs: number): void {
    const isLast = !this.#hasDeath && this.random.chance(DEATH_SHARE);
    const day = Math.floor(startMs / DAY_MS) + this.random.pick(STAY_DAYS);
    // The last day of the plan is one of discharges, too.
    const endDay = Math.min(day, this.#lastDay);
    const outcome = this.random.chance(OTHER_HOSPITAL_SHARE) ? 'other-hospital' : 'home';
    const minute = isLast ? this.random.integer(0, 14 * 60) : this.random.integer(10 * 60, 14 * 60 - 1);
    const endMs = endDay * DAY_MS + minute * MINUTE_MS;
    const patient = isLast ? this.#lastStayPatient() : this.#patient(startMs);
    this.#hasDeath ||= isLast;
    const ward = this.pool.wards[bed] as string;
    (this.#beds[bed] as PlannedStay[]).push({ patient, ward, startMs, endMs, outcome: isLast ? 'deceased' : outcome });
    this.#empty(bed, endMs);
  }

  #empty(bed: number, sinceMs: number): void {
    this.#freeMs[bed] = sinceMs + this.random.pick(EMPTY_HOURS) * HOUR_MS + this.random.integer(0, 59) * MINUTE_MS;
  }

  /** Somebody of the part of town that belongs to the pool and who lies in none of its beds. */
  #patient(startMs: number): Resident {
    for (;;) {
      const place = this.random.integer(0, this.#placeCount() - 1);
      const turn = Math.floor(place / (LAST_STAY_EVERY - 1)) * LAST_STAY_EVERY + (place % (LAST_STAY_EVERY - 1));
      const index = turn * this.poolCount + this.pool.index;
      const isPresent = this.#beds.some((stays) => {
        const last = stays.at(-1);
        return last !== undefined && last.patient.index === index && last.endMs > startMs - DAY_MS;
      });
      if (!isPresent) return this.town.resident(index);
    }
  }

  /** Another one in each epoch, for ten years and more. */
  #lastStayPatient(): Resident {
    const count = Math.floor(this.#placeCount() / (LAST_STAY_EVERY - 1));
    const place = ((this.epoch % count) + count) % count;
    return this.town.resident((place * LAST_STAY_EVERY + LAST_STAY_EVERY - 1) * this.poolCount + this.pool.index);
  }

  /** Residents of the pool who may come more than once; whole turns only. */
  #placeCount(): number {
    const turns = Math.floor(this.town.residentCount / this.poolCount / LAST_STAY_EVERY);
    return turns * (LAST_STAY_EVERY - 1);
  }
}

function planPools(seed: number, wards: readonly Ward[]): Pool[] {
  const key = SeededRandom.ofStream(seed, 'bed-pools').word();
  const withBeds = wards.filter(({ bedCount }) => bedCount > 0);
  const bedsMax = Math.max(...withBeds.map(({ bedCount }) => bedCount));
  // Bed by bed through the wards, so that the beds of a pool lie in different wards.
  const beds = Array.from({ length: bedsMax }, (_, bed) =>
    withBeds.filter(({ bedCount }) => bed < bedCount).map(({ name }) => name),
  ).flat();
  return Array.from({ length: Math.ceil(beds.length / POOL_BEDS) }, (_, index) => ({
    index,
    wards: beds.slice(index * POOL_BEDS, (index + 1) * POOL_BEDS),
    firstDay: drawIndex(EPOCH_DAYS, key, index),
  }));
}

function groupByPatient(byBed: readonly (readonly Stay[])[]): Map<number, Stay[]> {
  const byPatient = new Map<number, Stay[]>();
  for (const stay of byBed.flat().sort((a, b) => a.startMs - b.startMs)) {
    const stays = byPatient.get(stay.patient.index);
    if (stays === undefined) byPatient.set(stay.patient.index, [stay]);
    else stays.push(stay);
  }
  return byPatient;
}

function epochAt({ firstDay }: Pool, timeMs: number): number {
  return Math.floor((Math.floor(timeMs / DAY_MS) - firstDay) / EPOCH_DAYS);
}

function epochSpan({ firstDay }: Pool, epoch: number): readonly [number, number] {
  const day = firstDay + epoch * EPOCH_DAYS;
  return [day * DAY_MS, (day + EPOCH_DAYS) * DAY_MS];
}
