import { messageOf } from '@protego/contracts';
import type { Evaluator, RecordTest } from '../evaluator';
import type { SigmaExpression } from '../expression';
import { visitKeywordValues, type FieldView, type Scalar } from '../field-view';
import type { SigmaMatch } from '../match';
import type { SigmaRule } from '../rule';
import { AnchorChances, anchorKey } from './anchor-chances';
import { anchorsOf, type Anchor } from './anchors';
import { FieldIndex, type NumberedAnchor } from './field-index';

/** A rule with what is left to ask of records of one route. */
export interface PlannedRule {
  readonly rule: SigmaRule;
  readonly expression: SigmaExpression;
}

/** After so many records the plan is made anew, with what was counted in them. */
const REPLAN_AFTER_RECORDS = [128, 1_024, 8_192];
/** Fewer rules are not worth another plan. */
const REPLAN_RULES_MIN = 16;

interface IndexedField {
  readonly view: FieldView;
  readonly index: FieldIndex;
}

/**
 * The rules of one route as one plan: from each rule one anchor set is taken, and only rules with an anchor that holds of a record are
 * evaluated on it. Which anchors are taken changes the time that it takes, and never the answer.
 */
export class RoutePlan {
  readonly #tests: readonly RecordTest[];
  readonly #chances = new AnchorChances();
  #fields: IndexedField[] = [];
  #keywords: FieldIndex | undefined;
  /** Rules about which nothing can be said beforehand. */
  #always = new Int32Array(0);
  #anchors: Anchor[] = [];
  /** Numbers of the rules that hang on an anchor. */
  #rulesOf: Int32Array[] = [];
  /** Records in which an anchor held. */
  #hits = new Uint32Array(0);
  #hitRecord = new Float64Array(0);
  /** Records since the plan was made, and how often it was. */
  #recordCount = 0;
  #planCount = 0;
  /** The record in which a rule was last a candidate, and the candidates of the record at hand. */
  readonly #marked: Float64Array;
  readonly #candidates: Int32Array;
  #candidateCount = 0;
  /** Rules that match the record at hand, and why some of them do only because they threw. */
  readonly #matched: number[] = [];
  readonly #matches: readonly SigmaMatch[];
  #failures: Map<number, Error> | undefined;

  constructor(
    private readonly rules: readonly PlannedRule[],
    private readonly evaluator: Evaluator,
  ) {
    this.#tests = rules.map(({ expression }) => evaluator.compile(expression));
    this.#matches = rules.map(({ rule }) => ({ rule }));
    this.#marked = new Float64Array(rules.length);
    this.#candidates = new Int32Array(rules.length);
    this.#plan();
  }

  /** Rules that match the record that the evaluator is loaded with, in their order. */
  match(): SigmaMatch[] {
    this.#nextRecord();
    try {
      this.#mark();
    } catch {
      // A field cannot be read. Each rule that asks for it says so by itself.
      this.#markAll();
    }
    const matched = this.#matched;
    matched.length = 0;
    this.#failures = undefined;
    const count = this.#candidateCount;
    for (let i = 0; i < count; i++) this.#evaluate(this.#candidates[i] as number);
    const always = this.#always;
    for (let i = 0; i < always.length; i++) this.#evaluate(always[i] as number);
    if (matched.length === 0) return [];
    if (matched.length > 1) matched.sort((left, right) => left - right);
    return matched.map((number) => {
      const failure = this.#failures?.get(number);
      const match = this.#matches[number] as SigmaMatch;
      return failure === undefined ? match : { rule: match.rule, failure };
    });
  }

  #evaluate(number: number): void {
    try {
      if ((this.#tests[number] as RecordTest)()) this.#matched.push(number);
    } catch (error) {
      this.#failures ??= new Map();
      this.#failures.set(number, error instanceof Error ? error : new Error(messageOf(error)));
      this.#matched.push(number);
    }
  }

  #nextRecord(): void {
    this.#candidateCount = 0;
    const isDue = this.#recordCount === REPLAN_AFTER_RECORDS[this.#planCount - 1];
    if (isDue && this.rules.length >= REPLAN_RULES_MIN) {
      this.#anchors.forEach((anchor, id) => this.#chances.count(anchor, this.#hits[id] as number, this.#recordCount));
      // The last plan stays as it is, so that only what is known goes into it.
      this.#chances.isCurious = this.#planCount < REPLAN_AFTER_RECORDS.length;
      this.#plan();
    }
    this.#recordCount++;
  }

  #mark(): void {
    const fields = this.#fields;
    for (let i = 0; i < fields.length; i++) {
      const { view, index } = fields[i] as IndexedField;
      this.evaluator.read(view);
      const { raw } = view;
      if (raw !== undefined) index.search(raw, this.#found);
    }
    if (this.#keywords !== undefined) visitKeywordValues(this.evaluator.record.data, this.#searchKeywords);
  }

  readonly #searchKeywords = (value: Scalar): void => {
    (this.#keywords as FieldIndex).searchText(typeof value === 'string' ? value : String(value), this.#found);
  };

  #markAll(): void {
    const isAlways = new Set(this.#always);
    const others = [...this.rules.keys()].filter((number) => !isAlways.has(number));
    this.#candidates.set(others);
    this.#candidateCount = others.length;
  }

  readonly #found = (ids: Int32Array): void => {
    const marked = this.#marked;
    const record = this.#recordCount;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      if (this.#hitRecord[id] === record) continue;
      this.#hitRecord[id] = record;
      this.#hits[id] = (this.#hits[id] as number) + 1;
      const rules = this.#rulesOf[id] as Int32Array;
      for (let j = 0; j < rules.length; j++) {
        const number = rules[j] as number;
        if (marked[number] === record) continue;
        marked[number] = record;
        this.#candidates[this.#candidateCount++] = number;
      }
    }
  };

  #plan(): void {
    const always: number[] = [];
    const idOf = new Map<string, number>();
    const rulesOf: number[][] = [];
    this.#anchors = [];
    this.rules.forEach(({ expression }, number) => {
      const set = anchorsOf(expression, this.#chances.chanceOf);
      if (set === undefined) always.push(number);
      for (const anchor of set?.anchors ?? []) {
        const key = anchorKey(anchor);
        let id = idOf.get(key);
        if (id === undefined) {
          id = this.#anchors.push(anchor) - 1;
          idOf.set(key, id);
        }
        (rulesOf[id] ??= []).push(number);
      }
    });
    this.#always = Int32Array.from(always);
    this.#rulesOf = rulesOf.map((numbers) => Int32Array.from(new Set(numbers)));
    this.#hits = new Uint32Array(this.#anchors.length);
    this.#hitRecord = new Float64Array(this.#anchors.length);
    this.#marked.fill(0);
    this.#recordCount = 0;
    this.#planCount++;
    this.#index();
  }

  #index(): void {
    const byField = new Map<string | null, NumberedAnchor[]>();
    this.#anchors.forEach((anchor, id) => {
      const others = byField.get(anchor.field);
      if (others === undefined) byField.set(anchor.field, [{ ...anchor, id }]);
      else others.push({ ...anchor, id });
    });
    this.#fields = [];
    this.#keywords = undefined;
    for (const [field, anchors] of byField) {
      const index = new FieldIndex(anchors);
      if (field === null) this.#keywords = index;
      else this.#fields.push({ view: this.evaluator.viewOf(field), index });
    }
  }
}
