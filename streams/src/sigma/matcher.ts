import { erasedFieldsOf } from './erased-fields';
import { Evaluator } from './evaluator';
import { fixedAnswers, isFromLogsource, originsOf, routeKeyOf, routePartsOf } from './logsource';
import type { SigmaMatch } from './match';
import { foldFixed, type FixedAnswer } from './plan/fold';
import { RoutePlan } from './plan/route-plan';
import { RecentRoutes } from './recent-routes';
import type { SigmaRecord } from './record';
import type { SigmaRule } from './rule';
import { compileVerdict, fieldsOf, type VerdictTest } from './undecidable';

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
  /** Made when the first record with erased fields comes. */
  verdict?: { readonly test: VerdictTest; readonly fields: readonly string[] };
}

/** What all records of one kind have in common. */
interface Route {
  readonly rules: readonly CompiledRule[];
  /** Undefined where no rule can match. */
  readonly plan: RoutePlan | undefined;
}

/**
 * Matches records against rules. A record meets only the rules of its log; rules share the reading of fields and the
 * answers to equal questions. Matches come in the order of the rules.
 */
export class SigmaMatcher {
  readonly #evaluator = new Evaluator();
  readonly #rules: readonly CompiledRule[];
  readonly #routes = new Map<string, Route>();
  /** For records of all kinds, where log sources are ignored. */
  readonly #everything: Route | undefined;
  readonly #recent = new RecentRoutes<Route>();
  #evictedRouteCount = 0;

  constructor(rules: readonly SigmaRule[], options: SigmaMatcherOptions = {}) {
    this.#rules = rules.map((rule) => ({ rule }));
    this.#everything = options.ignoreLogsource === true ? this.#compile(this.#rules, () => undefined) : undefined;
  }

  /** Routes that had to make room for others since the start. */
  get evictedRouteCount(): number {
    return this.#evictedRouteCount;
  }

  /** Rules that match the record. A rule that throws is reported as such and does not stop the others. */
  match(record: SigmaRecord): SigmaMatch[] {
    const { plan } = this.#routeOf(record);
    if (plan === undefined) return [];
    this.#evaluator.load(record);
    return plan.match();
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
    return this.#routeOf(record).rules.flatMap((compiled) => {
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

  #routeOf(record: SigmaRecord): Route {
    if (this.#everything !== undefined) return this.#everything;
    const recent = this.#recent.find(record);
    if (recent !== undefined) return recent;
    const route = this.#routeByKey(record);
    this.#recent.keep(record, route);
    return route;
  }

  #routeByKey(record: SigmaRecord): Route {
    const key = routeKeyOf(record);
    let route = this.#routes.get(key);
    if (route !== undefined) return route;
    const parts = routePartsOf(record);
    const origins = originsOf(parts);
    const rules = this.#rules.filter(({ rule }) => origins.some((origin) => isFromLogsource(rule.logsource, origin)));
    route = this.#compile(rules, fixedAnswers(parts));
    if (key.length <= ROUTE_KEY_LENGTH_MAX) this.#keepRoute(key, route);
    return route;
  }

  #compile(rules: readonly CompiledRule[], answer: FixedAnswer): Route {
    const planned = rules.flatMap(({ rule }) => {
      const expression = foldFixed(rule.detection, answer);
      return expression === false ? [] : [{ rule, expression: expression === true ? rule.detection : expression }];
    });
    return { rules, plan: planned.length === 0 ? undefined : new RoutePlan(planned, this.#evaluator) };
  }

  #keepRoute(key: string, route: Route): void {
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
