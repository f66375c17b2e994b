import { DAY_MS, HOUR_MS } from './durations';
import type { Course, Script } from './attacks/activity';
import type { Hospital } from './hospital/model';
import { ATTACKS, type AttackName } from './label';
import { SeededRandom } from './random';
import type { SimulationSettings } from './settings';

/** Nothing planted goes on later than this before the end, so that detections of it come in time. */
const END_MARGIN_MS = 10 * 60_000;
/** An attack is at most this many times as fast as usual: a short history has only attacks that fit into it so. */
const PACE_MAX = 4;

/** Planned activities that are kept so that each slice need not work them out anew. */
const KNOWN_MAX = 10_000;

/** What is to be played, and when. */
export interface PlannedActivity {
  /** Unique within a simulation and the same in every part of it. */
  readonly key: string;
  readonly kind: Script['kind'];
  /** Scripts in the order in which they are tried; all of one attack. */
  readonly scripts: readonly Script[];
  /** Between these two the activity begins, milliseconds since the Unix epoch; half-open. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** An activity that is played: its script, and what happens. */
export interface PlayedActivity extends Course {
  readonly key: string;
  readonly script: Script;
  readonly startMs: number;
  readonly endMs: number;
}

/** What is planned for whom. */
export interface PlanOptions {
  readonly hospital: Hospital;
  readonly settings: SimulationSettings;
  readonly seed: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly scripts: readonly Script[];
}

/**
 * The planted activities of a simulation. Attacks take turns: each comes once before any comes again, in an order of its own in
 * every turn; so do the harmless ones. Which activity the n-th is, and when it begins, hangs on seed and n alone.
 */
export class ActivityPlan {
  readonly #kinds: readonly ('attack' | 'benign-twin')[];
  readonly #scriptsOf = new Map<string, readonly Script[]>();
  readonly #firstMs: number;
  /** What was worked out lately. */
  readonly #known = new Map<string, PlannedActivity>();

  constructor(private readonly options: PlanOptions) {
    const { settings, startMs, scripts } = options;
    this.#firstMs = startMs + settings.attackFreeDays * DAY_MS;
    this.#kinds = [
      ...(settings.attacks ? ['attack' as const] : []),
      ...(settings.twins ? ['benign-twin' as const] : []),
    ];
    for (const kind of this.#kinds) {
      for (const attack of ATTACKS) {
        if (!settings.attackKinds.includes(attack)) continue;
        const fitting = scripts.filter(
          (script) => script.attack === attack && script.kind === kind && this.#fits(script),
        );
        if (fitting.length > 0) this.#scriptsOf.set(`${kind}/${attack}`, fitting);
      }
    }
  }

  /** Longest time for which an activity can go on, milliseconds. */
  durationMsMax(): number {
    const durations = [...this.#scriptsOf.values()].flat().map((script) => script.durationMsMax / this.#paceOf(script));
    return Math.max(0, ...durations);
  }

  /** Activities that begin within a time, half-open. */
  *planned(fromMs: number, toMs: number): Generator<PlannedActivity, undefined, undefined> {
    for (const kind of this.#kinds) {
      const { settings } = this.options;
      const perDay = kind === 'attack' ? settings.attacksPerDay : settings.twinsPerDay;
      const attacks = ATTACKS.filter((attack) => this.#scriptsOf.has(`${kind}/${attack}`));
      if (attacks.length === 0 || perDay <= 0) continue;
      const first = Math.max(0, Math.floor(((fromMs - this.#firstMs) / DAY_MS) * perDay) - 1);
      for (let n = first; ; n++) {
        const slotMs = this.#firstMs + (n / perDay) * DAY_MS;
        if (slotMs >= Math.min(toMs, this.options.endMs)) break;
        yield this.#nth(kind, n, attacks, slotMs, slotMs + DAY_MS / perDay);
      }
    }
    return undefined;
  }

  /** Plays an activity; undefined where the hospital lacks what all its scripts need. */
  play(planned: PlannedActivity): PlayedActivity | undefined {
    for (const script of planned.scripts) {
      const random = SeededRandom.ofStream(this.options.seed, `activity/${planned.key}/${script.name}`);
      const startMs = this.#beginOf(script, planned, random);
      if (startMs === undefined) continue;
      const { hospital, settings } = this.options;
      const pace = this.#paceOf(script);
      const course = script.play({ hospital, random, startMs, pace, volume: settings.attackVolume });
      const last = course?.drafts.at(-1);
      if (course === undefined || last === undefined) continue;
      return { ...course, key: planned.key, script, startMs, endMs: last.timeMs };
    }
    return undefined;
  }

  #nth(kind: Script['kind'], n: number, attacks: readonly AttackName[], fromMs: number, toMs: number): PlannedActivity {
    const key = `${kind === 'attack' ? 'a' : 'b'}${n}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { seed } = this.options;
    const turn = Math.floor(n / attacks.length);
    const order = SeededRandom.ofStream(seed, `turn/${kind}/${turn}`).sample(attacks, attacks.length);
    const attack = order[n % attacks.length] as AttackName;
    const scripts = this.#scriptsOf.get(`${kind}/${attack}`) as readonly Script[];
    const planned: PlannedActivity = {
      key,
      kind,
      scripts: SeededRandom.ofStream(seed, `scripts/${key}`).sample(scripts, scripts.length),
      fromMs,
      toMs,
    };
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(key, planned);
    return planned;
  }

  /** When it begins: in its slot, at an hour that the script wants, and early enough to be complete. */
  #beginOf(script: Script, { fromMs, toMs }: PlannedActivity, random: SeededRandom): number | undefined {
    const latestMs = this.options.endMs - END_MARGIN_MS - script.durationMsMax / this.#paceOf(script);
    if (latestMs < this.#firstMs) return undefined;
    const low = Math.min(fromMs, latestMs);
    const high = Math.min(toMs, latestMs);
    const anywhere = Math.floor(low + random.fraction() * (high - low));
    const { beginHours } = script;
    if (beginHours === undefined) return anywhere;
    // The hour nearest to the slot that the script wants, first later, then earlier.
    for (let hours = 0; hours < 24; hours++) {
      for (const startMs of [anywhere + hours * HOUR_MS, anywhere - hours * HOUR_MS]) {
        if (startMs < this.#firstMs || startMs > latestMs) continue;
        if (beginHours.includes(new Date(startMs).getUTCHours())) return startMs;
      }
    }
    return undefined;
  }

  #availableMs(): number {
    return this.options.endMs - END_MARGIN_MS - this.#firstMs;
  }

  #fits(script: Script): boolean {
    const paceMax = script.kind === 'attack' ? PACE_MAX : 1;
    return script.durationMsMax / paceMax <= this.#availableMs();
  }

  /** An attack that would be longer than the history is as fast as it must be. */
  #paceOf(script: Script): number {
    if (script.kind !== 'attack') return 1;
    return Math.max(this.options.settings.attackPace, script.durationMsMax / this.#availableMs());
  }
}
