import { messageOf } from '@protego/contracts';
import { erasedFieldsOf } from './erased-fields';
import { Evaluator, type RecordTest } from './evaluator';
import { isFromLogsource, originsOf, routeKeyOf, routePartsOf } from './logsource';
import type { SigmaRecord } from './record';
import type { SigmaRule } from './rule';
import { compileVerdict, fieldsOf, type VerdictTest } from './undecidable';

/** A rule that matches a record, or one that threw on it. */
export type SigmaMatch =
  { readonly rule: SigmaRule; readonly failure?: undefined } | { readonly rule: SigmaRule; readonly failure: Error };

/** A rule whose answer about a record hangs on values that nobody can read any more. */
export interface UndecidableMatch {
  readonly rule: SigmaRule;
  /** Erased fields that the rule asks about; `*` for keywords. */
  readonly fields: readonly string[];
}

/** How to match. */
export interface SigmaMatcherOptions {
  /** Ask every rule about every record, whatever log the rule was written for. */
  readonly ignoreLogsource?: boolean;
}

/** Most routes that are kept; the oldest goes first. */
export const ROUTE_COUNT_MAX = 1024;
/** Longest route key that is kept, so that odd records cannot fill the memory. */
const ROUTE_KEY_LENGTH_MAX = 512;

interface CompiledRule {
  readonly rule: SigmaRule;
  readonly test: RecordTest;
  /** Made when the first record with erased fields comes. */
  verdict?: { readonly test: VerdictTest; readonly fields: readonly string[] };
}

/**
 * Matches records against rules. A record meets only the rules of its log; rules share the reading of fields and the
 * answers to equal questions. Matches come in the order of the rules.
 */
export class SigmaMatcher {
  readonly #evaluator = new Evaluator();
  readonly #rules: readonly CompiledRule[];
  readonly #routes = new Map<string, readonly CompiledRule[]>();
  readonly #ignoresLogsource: boolean;
  #evictedRouteCount = 0;

  constructor(rules: readonly SigmaRule[], options: SigmaMatcherOptions = {}) {
    this.#ignoresLogsource = options.ignoreLogsource ?? false;
    this.#rules = rules.map((rule) => ({ rule, test: this.#evaluator.compile(rule.detection) }));
  }

  /** Routes that had to make room for others since the start. */
  get evictedRouteCount(): number {
    return this.#evictedRouteCount;
  }

  /** Rules that match the record. A rule that throws is reported as such and does not stop the others. */
  match(record: SigmaRecord): SigmaMatch[] {
    const rules = this.#ignoresLogsource ? this.#rules : this.#routeOf(record);
    const matches: SigmaMatch[] = [];
    if (rules.length === 0) return matches;
    this.#evaluator.load(record);
    for (const { rule, test } of rules) {
      try {
        if (test()) matches.push({ rule });
      } catch (error) {
        matches.push({ rule, failure: error instanceof Error ? error : new Error(messageOf(error)) });
      }
    }
    return matches;
  }

  /**
   * Rules of which nobody can say any more whether they match: both answers are possible for the values that were erased.
   *
   * @param erased - JSON pointers of the erased values, from the event's top
   */
  undecidable(record: SigmaRecord, erased: readonly string[]): UndecidableMatch[] {
    const isErased = erasedFieldsOf(erased);
    const isFieldErased = (field: string): boolean => isErased(field === '*' ? null : field);
    this.#evaluator.load(record);
    return (this.#ignoresLogsource ? this.#rules : this.#routeOf(record)).flatMap((compiled) => {
      const { test, fields } = this.#verdictOf(compiled);
      const erasedFields = fields.filter(isFieldErased);
      return erasedFields.length > 0 && isUndecidable(test, isErased)
        ? [{ rule: compiled.rule, fields: erasedFields }]
        : [];
    });
  }

  #verdictOf(compiled: CompiledRule): NonNullable<CompiledRule['verdict']> {
    const { detection } = compiled.rule;
    return (compiled.verdict ??= { test: compileVerdict(detection, this.#evaluator), fields: fieldsOf(detection) });
  }

  #routeOf(record: SigmaRecord): readonly CompiledRule[] {
    const key = routeKeyOf(record);
    let route = this.#routes.get(key);
    if (route !== undefined) return route;
    const origins = originsOf(routePartsOf(record));
    route = this.#rules.filter(({ rule }) => origins.some((origin) => isFromLogsource(rule.logsource, origin)));
    if (key.length <= ROUTE_KEY_LENGTH_MAX) this.#keepRoute(key, route);
    return route;
  }

  #keepRoute(key: string, route: readonly CompiledRule[]): void {
    const [oldest] = this.#routes.size < ROUTE_COUNT_MAX ? [] : this.#routes.keys();
    if (oldest !== undefined) {
      this.#routes.delete(oldest);
      this.#evictedRouteCount += 1;
    }
    this.#routes.set(key, route);
  }
}

// A rule that throws on the record is reported as such when it is matched.
function isUndecidable(verdict: VerdictTest, isErased: Parameters<VerdictTest>[0]): boolean {
  try {
    return verdict(isErased) === undefined;
  } catch {
    return false;
  }
}
