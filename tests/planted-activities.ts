import type { Detection } from '@protego/contracts';
import type { SimulationLabel } from '@protego/simulation';
import { openHistory } from './history-log';

/** The names by which entities of labels go in what is found: their own, and the tokens that persons have in a log. */
export async function tokensOf(
  log: string,
  labels: readonly SimulationLabel[],
): Promise<(id: string) => readonly string[]> {
  const { house } = await openHistory(log);
  const ids = [...new Set(labels.flatMap(({ entities }) => entities.map(({ id }) => id)))];
  const names = new Map(
    await Promise.all(ids.map(async (id) => [id, [id, ...(await house.vault.tokensOf(id))]] as const)),
  );
  await house.close();
  return (id) => names.get(id) ?? [];
}

/** Whether a detection names somebody or something that takes part in a planted activity. */
export function isAbout(
  detection: Detection,
  label: SimulationLabel,
  namesOf: (id: string) => readonly string[],
): boolean {
  return label.entities.some(({ kind, id }) =>
    detection.entities.some((entity) => entity.kind === kind && namesOf(id).includes(entity.id)),
  );
}
