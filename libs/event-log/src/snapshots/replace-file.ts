import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Puts a small file in place, durably: after a crash there is the old one or the new one, never a part. For its owner only. */
export function replaceFileDurably(path: string, content: Uint8Array): void {
  const temporary = `${path}.partial`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    for (let at = 0; at < content.length;) at += writeSync(file, content, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
