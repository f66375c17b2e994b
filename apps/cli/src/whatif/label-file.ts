import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ProtegoError, messageOf } from '@protego/contracts';
import type { HouseKeys } from '@protego/enclave';
import { parseLabels, type WhatIfRequest } from '@protego/replay';

const LABELS_BYTES_MAX = 1 << 28;

/**
 * Labels of a history, and the tokens by which the persons in them go in the log.
 *
 * @throws ProtegoError `LABELS_INVALID`
 */
export async function loadLabels(path: string, vault: HouseKeys['vault']): Promise<WhatIfRequest['labels']> {
  const labels = parseLabels(textOf(path));
  const ids = [...new Set(labels.flatMap(({ entities }) => entities.map(({ id }) => id)))];
  const names = new Map<string, readonly string[]>();
  for (const id of ids) names.set(id, [id, ...(await vault.tokensOf(id))]);
  return { labels, namesOf: (id) => names.get(id) ?? [id] };
}

function textOf(path: string): string {
  const bytes = readFileSync(path);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes.toString('utf8');
  try {
    return gunzipSync(bytes, { maxOutputLength: LABELS_BYTES_MAX }).toString('utf8');
  } catch (cause) {
    throw new ProtegoError(
      'LABELS_INVALID',
      `\`${path}\` cannot be unpacked: ${messageOf(cause)}`,
      { path },
      { cause },
    );
  }
}
