import { formatRfc3339 } from '@protego/contracts';
import type { Entity } from './scoring';
import type { RunOutcome } from './watch-run';

/**
 * Every attack that was missed, every benign twin that raised an alarm and the false alarms of ordinary life, a line each with what
 * it takes to simulate the run again.
 */
export function detailLines(outcomes: readonly RunOutcome[], nameOf: (ruleId: string) => string): string[] {
  return outcomes.flatMap((outcome) => {
    const { attacks, twins, falseAlarms } = outcome;
    const run = runText(outcome);
    return [
      ...attacks
        .filter(({ delayMs }) => delayMs === null)
        .map(({ attack, activity, startsAt }) => `missed: ${attack} (${activity}) at ${startsAt}; ${run}`),
      ...twins
        .filter(({ rules }) => rules.length > 0)
        .map(
          ({ attack, activity, startsAt, rules }) =>
            `twin alarm: ${activity} (like ${attack}) at ${startsAt} by ${rules.map(nameOf).join(', ')}; ${run}`,
        ),
      ...falseAlarms
        .filter(({ twin }) => twin === null)
        .map(
          ({ ruleId, certainAtMs, entities }) =>
            `false alarm: ${nameOf(ruleId)} at ${formatRfc3339(certainAtMs)} about ${entities.map(entityText).join(', ')}; ${run}`,
        ),
    ];
  });
}

const entityText = ({ kind, id }: Entity): string => `${kind} ${id}`;

function runText({ plan }: RunOutcome): string {
  const { scenario, seed, days, settings } = plan;
  const sets = Object.entries(settings).map(([key, value]) => `--set ${key}=${value}`);
  return `--scenario ${scenario} --seed ${seed} --days ${days} ${sets.join(' ')}`;
}
