import type { SourceDeclarations } from '@protego/contracts';
import { placeholdersOf } from './detection-builder';
import { CorrelationPlan } from './sigma/correlation-plan';
import type { SigmaCorrelation } from './sigma/correlation';
import { SigmaMatcher } from './sigma/matcher';
import type { SigmaRuleSet } from './sigma/rule-set';

/** What a pipeline is built from; two pipelines of equal artefacts are equal. */
export interface PipelineArtefacts {
  readonly rules: SigmaRuleSet;
  readonly declarations: SourceDeclarations;
  /** Ids of the detectors that run; all where it is missing. */
  readonly detectors?: readonly string[];
}

/** Rules in the form that sessions share: immutable, compiled once. */
export interface PipelineRules {
  readonly matcher: SigmaMatcher;
  readonly correlations: CorrelationPlan;
}

// Compiling is pure and slow: pipelines of one rule set share what it makes.
const compiled = new WeakMap<SigmaRuleSet, PipelineRules>();

/** The shared part of a pipeline, compiled once per rule set. */
export function pipelineRulesOf({ rules }: PipelineArtefacts): PipelineRules {
  const known = compiled.get(rules);
  if (known !== undefined) return known;
  const made = compile(rules);
  compiled.set(rules, made);
  return made;
}

function compile({ rules, linked }: SigmaRuleSet): PipelineRules {
  return { matcher: new SigmaMatcher(rules), correlations: new CorrelationPlan(linked, wordingFieldsOf) };
}

function wordingFieldsOf({ wording }: SigmaCorrelation): string[] {
  const templates = [wording.why, wording.nextStep, wording.harmlessExplanation].filter((text) => text !== undefined);
  return [...new Set([...templates.flatMap(placeholdersOf), ...(wording.entities ?? []).map(({ field }) => field)])];
}
