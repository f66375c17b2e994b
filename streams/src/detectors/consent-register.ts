import { KeyedStore } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';
import type { AgreementFact, ConsentFact, ReleaseFact } from './exchange-facts';

/** Bounds of a {@link ConsentRegister}, and what it judges by. */
export interface ConsentRegisterOptions {
  readonly graceMs: number;
  readonly consentsMin: number;
  readonly dutyPurposes: readonly string[];
  readonly quietMs: number;
  /** Pairs of a partner and a patient. */
  readonly pairsMax: number;
  readonly partnersMax: number;
  readonly purposesMax: number;
  readonly toldMax: number;
}

/** Why a release was not right. */
export type Breach =
  | { readonly is: 'agreement-ended'; readonly sinceMs: number }
  | { readonly is: 'purpose-not-agreed' }
  | { readonly is: 'consent-withdrawn'; readonly sinceMs: number }
  | { readonly is: 'other-purpose'; readonly purposes: readonly string[] }
  | { readonly is: 'no-consent' };

/** What was said last, and when. */
interface Word {
  readonly isInForce: boolean;
  readonly sinceMs: number;
}
interface AgreementWord extends Word {
  readonly purposes: readonly string[];
}

/** One pair of partner and patient has so many purposes at most, and one partner so many agreements; the oldest leave. */
const WORDS_MAX = 64;

/** Which consents and agreements are in force, as events told of them. */
export class ConsentRegister implements StateStore {
  /** By partner and patient, then purpose. */
  readonly #consents: KeyedStore<Map<string, Word>>;
  /** By partner, then agreement. */
  readonly #agreements: KeyedStore<Map<string, AgreementWord>>;
  /** How often a consent was given, by purpose. */
  readonly #purposes: KeyedStore<{ givenCount: number }>;
  /** When somebody was told of last, by partner, person and breach. */
  readonly #told: KeyedStore<{ timeMs: number }>;
  readonly #dutyPurposes: ReadonlySet<string>;

  constructor(private readonly options: ConsentRegisterOptions) {
    this.#dutyPurposes = new Set(options.dutyPurposes);
    this.#consents = new KeyedStore(options.pairsMax, mapCodec<Word>());
    this.#agreements = new KeyedStore(options.partnersMax, mapCodec<AgreementWord>());
    this.#purposes = new KeyedStore(options.purposesMax, {
      toJson: ({ givenCount }) => givenCount,
      fromJson: (json) => ({ givenCount: json as number }),
    });
    this.#told = new KeyedStore(options.toldMax, {
      toJson: ({ timeMs }) => timeMs,
      fromJson: (json) => ({ timeMs: json as number }),
    });
  }

  takeConsent({ partner, patient, purpose, isGiven }: ConsentFact, timeMs: number): void {
    const words = this.#consents.touch(pairOf(partner, patient), () => new Map());
    setWord(words, purpose, { isInForce: isGiven, sinceMs: timeMs });
    if (isGiven) this.#purposes.touch(purpose, () => ({ givenCount: 0 })).givenCount++;
  }

  takeAgreement({ partner, agreement, isInForce, purposes }: AgreementFact, timeMs: number): void {
    const words = this.#agreements.touch(partner, () => new Map());
    // An end without a name is that of all agreements with the partner.
    const ended = isInForce || agreement !== '' ? [agreement] : [...words.keys()];
    for (const each of ended) setWord(words, each, { isInForce, sinceMs: timeMs, purposes });
  }

  /** Why a release at a time is not right; undefined where nothing is known against it. */
  breachOf({ partner, patient, purpose, agreement }: ReleaseFact, timeMs: number): Breach | undefined {
    if (purpose !== null && this.#dutyPurposes.has(purpose)) return undefined;
    const agreements = this.#agreements.touchKnown(partner);
    const ended = endedWord(agreements, agreement);
    if (ended !== undefined) return { is: 'agreement-ended', sinceMs: ended.sinceMs };
    if (purpose === null) return undefined;
    const consents = this.#consents.touchKnown(pairOf(partner, patient));
    const word = consents?.get(purpose);
    if (word?.isInForce === true) return undefined;
    if (word !== undefined) {
      const isUnderWay = timeMs - word.sinceMs < this.options.graceMs;
      return isUnderWay ? undefined : { is: 'consent-withdrawn', sinceMs: word.sinceMs };
    }
    if (isUncovered(agreements, purpose)) return { is: 'purpose-not-agreed' };
    if ((this.#purposes.touchKnown(purpose)?.givenCount ?? 0) < this.options.consentsMin) return undefined;
    const purposes = [...(consents ?? [])].filter(([, { isInForce }]) => isInForce).map(([name]) => name);
    return purposes.length > 0 ? { is: 'other-purpose', purposes: purposes.sort() } : { is: 'no-consent' };
  }

  /** True when this breach was not told of lately; takes note of it. */
  isNews({ partner, actor }: ReleaseFact, breach: Breach['is'], timeMs: number): boolean {
    const told = this.#told.touch([partner, actor ?? '', breach].join('\n'), () => ({
      timeMs: Number.NEGATIVE_INFINITY,
    }));
    if (timeMs - told.timeMs < this.options.quietMs) return false;
    told.timeMs = timeMs;
    return true;
  }

  /** Sizes and evictions. */
  counters(): Record<string, number> {
    return {
      consentBypassPairs: this.#consents.size,
      consentBypassPairsEvicted: this.#consents.evictedCount,
      consentBypassPartnersEvicted: this.#agreements.evictedCount,
      consentBypassPurposesEvicted: this.#purposes.evictedCount,
      consentBypassToldEvicted: this.#told.evictedCount,
    };
  }

  snapshot(): Json {
    return this.#stores().map((store) => store.snapshot());
  }

  restore(state: Json): void {
    for (const [index, store] of this.#stores().entries()) store.restore((state as readonly Json[])[index] as Json);
  }

  #stores(): readonly StateStore[] {
    return [this.#consents, this.#agreements, this.#purposes, this.#told];
  }
}

const pairOf = (partner: string, patient: string): string => `${partner}\n${patient}`;

function setWord<W>(words: Map<string, W>, name: string, word: W): void {
  words.delete(name);
  if (words.size >= WORDS_MAX) words.delete(words.keys().next().value as string);
  words.set(name, word);
}

/** The end of the agreement that a release names, or of the last one with the partner. */
function endedWord(agreements: ReadonlyMap<string, AgreementWord> | undefined, named: string | null): Word | undefined {
  if (agreements === undefined || agreements.size === 0) return undefined;
  const word = named === null ? undefined : agreements.get(named);
  if (word !== undefined) return word.isInForce ? undefined : word;
  const words = [...agreements.values()];
  return words.some(({ isInForce }) => isInForce) ? undefined : words.at(-1);
}

/** True when what is agreed with a partner is known, and the purpose is none of it. */
function isUncovered(agreements: ReadonlyMap<string, AgreementWord> | undefined, purpose: string): boolean {
  const agreed = [...(agreements?.values() ?? [])].flatMap(({ isInForce, purposes }) => (isInForce ? purposes : []));
  return agreed.length > 0 && !agreed.includes(purpose);
}

function mapCodec<W>(): { toJson: (words: Map<string, W>) => Json; fromJson: (json: Json) => Map<string, W> } {
  return {
    toJson: (words) => [...words] as unknown as Json,
    fromJson: (json) => new Map(json as unknown as [string, W][]),
  };
}
