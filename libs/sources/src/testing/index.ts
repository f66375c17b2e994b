import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventValidator, eventRegistry } from '@protego/contracts';
import { readSourceFile } from '../source-file';
import type { AcceptedItem, ImportFormat, ReadSourceOptions, RejectedItem, SourceItem } from '../source-item';

/** Options for site `ward-test`, with a validator of the house's registry. */
export const testOptions: ReadSourceOptions = { site: 'ward-test', validator: new EventValidator(eventRegistry) };

/** A directory of its own for files of one test, removed by `remove`. */
export class SourceFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'protego-sources-'));

  /** Writes a file and gives its path. */
  write(name: string, content: string | Buffer): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Everything an asynchronous source yields. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** All items of a file, apart: events and rejected ones. */
export async function readAll(
  path: string,
  format: ImportFormat,
  options: Partial<ReadSourceOptions> = {},
): Promise<{ events: AcceptedItem[]; rejected: RejectedItem[]; items: SourceItem[] }> {
  const items = await collect(readSourceFile(path, format, { ...testOptions, ...options }));
  const events = items.filter((item): item is AcceptedItem => item.kind === 'event');
  const rejected = items.filter((item): item is RejectedItem => item.kind === 'rejected');
  return { events, rejected, items };
}
