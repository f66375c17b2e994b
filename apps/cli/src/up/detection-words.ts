import type { Detection, Severity } from '@protego/contracts';

const MARKS: Readonly<Record<Severity, string>> = {
  informational: 'NOTE',
  low: 'LOW',
  medium: 'LOOK INTO IT',
  high: 'ACT NOW',
  critical: 'ACT NOW, CRITICAL',
};

/** A detection as lines for a person on the ward. */
export function detectionWords(detection: Detection): string[] {
  const from = detection.window.start.slice(11, 19);
  const to = detection.certainAt.slice(11, 19);
  const about = detection.entities.map(({ kind, id }) => `${kind} ${id}`).join(', ');
  return [
    `[${MARKS[detection.severity]}] ${detection.title}${detection.status === 'updated' ? ' (somebody is on it)' : ''}`,
    `  what happened   ${detection.why}`,
    `  when            ${from === to ? to : `${from} to ${to}`} UTC, ${detection.eventCount} events; ${about}`,
    `  what to do      ${detection.nextStep}`,
    `  may be harmless ${detection.harmlessExplanation}`,
  ];
}
