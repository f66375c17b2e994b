import { BLOCK_SUBJECTS_MAX, FILTER_BYTES_MAX, RECORD_SUBJECTS_MAX } from './block-format';
import { BlockBuilder } from './block-builder';
import { sampleRecord } from '../testing';

describe('BlockBuilder', () => {
  it('is full when its records name as many subjects as a filter has room for', () => {
    const builder = new BlockBuilder(1 << 20, Buffer.alloc(16, 7));
    let count = 0;
    for (; !builder.isFull; count++) {
      const subjects = Array.from({ length: RECORD_SUBJECTS_MAX }, (_, i) => `${count}-${i}`);
      builder.add({ ...sampleRecord(count), subjects });
    }
    expect(count).toBe(BLOCK_SUBJECTS_MAX / RECORD_SUBJECTS_MAX);
    const { filter, release } = builder.seal(0);
    release();
    expect(filter).toHaveLength(FILTER_BYTES_MAX);
    expect(builder.isFull).toBe(false);
  });
});
