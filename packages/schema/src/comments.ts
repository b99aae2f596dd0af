import type {
  DescEnum,
  DescEnumValue,
  DescField,
  DescFile,
  DescMessage,
  DescMethod,
  DescService,
} from '@bufbuild/protobuf';

/** What a contract may comment. */
export type Commented = DescEnum | DescEnumValue | DescField | DescMessage | DescMethod | DescService;

/**
 * The comment that a contract has above something, or else behind it, as Markdown: the lines of a paragraph are joined.
 * Empty if there is none, or if the contract was built without comments. Directives of buf, and notes that AIP-192 keeps
 * inside, are left out.
 */
export function commentOf(desc: Commented): string {
  const { file } = 'file' in desc ? desc : desc.parent;
  return commentsIn(file).get(pathOf(desc).join()) ?? '';
}

/** The first sentence of a comment, as plain text, and the rest. */
export function splitComment(comment: string): { readonly summary: string; readonly description: string } {
  const [first = ''] = comment.split('\n\n', 1);
  const summary = FIRST_SENTENCE.exec(first)?.[0] ?? first;
  return { summary: summary.trim().replaceAll('`', ''), description: comment.slice(summary.length).trim() };
}

/** Up to the mark that ends a sentence: text of another one, or nothing, follows. */
const FIRST_SENTENCE = /^.*?(?<!\b(?:e\.g|i\.e|etc|vs|cf|approx|no))[.!?](?=\s+[^a-z\s]|\s*$)/su;

/** Field numbers in descriptor.proto, of which a path in source information is made. */
const FILE = { message: 4, enum: 5, service: 6 };
const MESSAGE = { field: 2, message: 3, enum: 4 };
const CHILD = 2;

/** Where source information keeps the comment of something. */
function pathOf(desc: Commented): readonly number[] {
  switch (desc.kind) {
    case 'service':
      return [FILE.service, desc.file.proto.service.indexOf(desc.proto)];
    case 'rpc':
      return inside(desc.parent, [CHILD, desc.parent.proto.method.indexOf(desc.proto)]);
    case 'enum_value':
      return inside(desc.parent, [CHILD, desc.parent.proto.value.indexOf(desc.proto)]);
    case 'field':
      return inside(desc.parent, [MESSAGE.field, desc.parent.proto.field.indexOf(desc.proto)]);
    case 'message': {
      const { parent, proto, file } = desc;
      if (parent === undefined) return [FILE.message, file.proto.messageType.indexOf(proto)];
      return inside(parent, [MESSAGE.message, parent.proto.nestedType.indexOf(proto)]);
    }
    case 'enum': {
      const { parent, proto, file } = desc;
      if (parent === undefined) return [FILE.enum, file.proto.enumType.indexOf(proto)];
      return inside(parent, [MESSAGE.enum, parent.proto.enumType.indexOf(proto)]);
    }
  }
}

function inside(parent: DescEnum | DescMessage | DescService, step: readonly number[]): readonly number[] {
  return [...pathOf(parent), ...step];
}

const known = new WeakMap<DescFile, ReadonlyMap<string, string>>();

/** The comments of a file, by path. */
function commentsIn(file: DescFile): ReadonlyMap<string, string> {
  const present = known.get(file);
  if (present !== undefined) return present;
  const locations = file.proto.sourceCodeInfo?.location ?? [];
  const comments = new Map(
    locations.flatMap(({ path, leadingComments, trailingComments }) => {
      const text = toMarkdown(leadingComments.trim() === '' ? trailingComments : leadingComments);
      return text === '' ? [] : [[path.join(), text] as const];
    }),
  );
  known.set(file, comments);
  return comments;
}

function toMarkdown(comment: string): string {
  // Behind the last end of a note, each beginning would be followed to the end of the comment.
  const end = comment.lastIndexOf('--)') + '--)'.length;
  const lines = `${comment.slice(0, end).replace(/\(--.*?--\)/gs, '')}${comment.slice(end)}`
    .split('\n')
    .map((line) => line.replace(/^ /, '').trimEnd())
    .filter((line) => !/^(?:buf:lint:|@exclude\b)/.test(line));
  const blocks = lines.join('\n').split(/\n{2,}/);
  return blocks.map(joinLines).join('\n\n').trim();
}

/** A paragraph as one line. Lists, tables, quotes and code keep their lines. */
function joinLines(block: string): string {
  return /^(?:\s+|[-*+|>#]|\d+[.)] |```)/m.test(block) ? block : block.replaceAll('\n', ' ');
}
