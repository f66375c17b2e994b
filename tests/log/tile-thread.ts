import { EventEmitter } from 'node:events';
import type { FaultyDisk } from '@protego/event-log/testing';

/** What the thread that writes tiles is asked to do. */
interface TileTask {
  readonly files?: readonly { readonly path: string; readonly bytes: number }[];
  readonly content?: Uint8Array;
  readonly paths?: readonly string[];
}

/**
 * In the place of the thread that writes many tiles at once: does the same calls, in the same order, on the disk of a test,
 * which a thread of its own would go past.
 */
export class TileThread extends EventEmitter {
  constructor(private readonly disk: FaultyDisk) {
    super();
  }

  ref(): void {}

  unref(): void {}

  async terminate(): Promise<void> {}

  postMessage(task: TileTask): void {
    this.run(task).then(
      () => this.emit('message', undefined),
      (cause: NodeJS.ErrnoException) => this.emit('message', { message: cause.message, code: cause.code }),
    );
  }

  private async run({ files = [], content = new Uint8Array(), paths = [] }: TileTask): Promise<void> {
    let at = 0;
    for (const { path, bytes } of files) {
      await this.write(path, content.subarray(at, at + bytes));
      at += bytes;
    }
    for (const path of paths) {
      const file = await this.disk.open(path, 'r+');
      await file.datasync().finally(() => file.close());
    }
  }

  private async write(path: string, content: Uint8Array): Promise<void> {
    const file = await this.disk.open(path, 'w');
    try {
      for (let done = 0; done < content.length;) {
        done += (await file.writev([content.subarray(done)], done)).bytesWritten;
      }
    } finally {
      await file.close();
    }
  }
}
