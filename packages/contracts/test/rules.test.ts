import { describe, expect, it } from '@jest/globals';
import { CreateEntryRequest } from '@rondo/contracts/rondo/conformance/v1/keyed';
import { BytesPatternRules, CheckRequest, PresenceRules } from '@rondo/contracts/rondo/conformance/v1/validation';

describe('a message whose rules are compiled', () => {
  const { checked } = CheckRequest;

  it('is decoded, and has no violations if it is valid', () => {
    const request = { requestId: '01234567-89ab-cdef-0123-456789abcdef', item: { name: 'a', quantity: 1n } };
    const decoded = checked?.decode(CheckRequest.encode(CheckRequest.fromPartial(request)).finish());
    expect(decoded?.message).toMatchObject(request);
    expect(decoded?.violations()).toEqual([]);
  });

  it('says what each value must be', () => {
    const request = CheckRequest.fromPartial({ requestId: 'a', items: [{ name: '', quantity: 101n }] });
    expect(checked?.decode(CheckRequest.encode(request).finish()).violations()).toEqual([
      { field: 'request_id', rule: 'string.uuid', text: 'must be a valid UUID' },
      { field: 'item', rule: 'required', text: 'is required' },
      { field: 'items[0].name', rule: 'string.min_len', text: 'must be at least 1 character' },
      {
        field: 'items[0].quantity',
        rule: 'int64.gte_lte',
        text: 'must be greater than or equal to 1 and less than or equal to 100',
      },
    ]);
  });

  it('says at most a hundred violations: the texts of more would stall other calls', () => {
    const [names, tags, items] = [
      Array.from({ length: 5_000 }, (_, key) => [key, '\0']),
      Array.from({ length: 5_000 }, () => '\0'),
      Array.from({ length: 5_000 }, () => ({ name: '' })),
    ];
    const texts = [{ names: Object.fromEntries(names) }, { tags }].map((one) =>
      CreateEntryRequest.encode(CreateEntryRequest.fromPartial(one)).finish(),
    );
    const rules = CheckRequest.encode(CheckRequest.fromPartial({ items })).finish();
    for (const bytes of texts) expect(CreateEntryRequest.checked?.decode(bytes).violations()).toHaveLength(100);
    expect(checked?.decode(rules).violations()).toHaveLength(100);
  });

  it('says that 0 counts as unset where that is why a required field is missing', () => {
    const empty = PresenceRules.encode(PresenceRules.fromPartial({ optionalText: '' })).finish();
    const texts = PresenceRules.checked
      ?.decode(empty)
      .violations()
      .map(({ field, text }) => `${field} ${text}`);
    expect(texts?.filter((text) => /^(?:text|optional_text|count) /.test(text))).toEqual([
      'text is required',
      'count is required, and 0 counts as unset; a contract takes 0 if the field is optional, too',
    ]);
  });

  it('violates a pattern of bytes that are no text', () => {
    const { checked: ofPattern } = BytesPatternRules;
    const rulesOf = (pattern: Buffer) =>
      ofPattern
        ?.decode(BytesPatternRules.encode(BytesPatternRules.fromPartial({ pattern })).finish())
        .violations()
        .map(({ rule }) => rule);
    expect(rulesOf(Buffer.from('abc'))).toEqual([]);
    expect(rulesOf(Buffer.from('abd'))).toEqual(['bytes.pattern']);
    expect(rulesOf(Buffer.of(0xff))).toEqual(['bytes.pattern']);
  });
});
