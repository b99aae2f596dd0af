/** Entries as one page of Markdown. */
import { ReflectionKind } from 'typedoc';

const INTRODUCTION = `# API

<!-- Generated from the docstrings by \`npm run api\`. Don't edit. -->

Every name that a service or its tests may import, by entry. Other paths of these packages can't be imported.

`;

/**
 * @param {import('./read.mjs').Entry[]} entries
 * @returns {string}
 */
export function renderPage(entries) {
  const contents = entries.map(({ name, members }) => `- [\`${name}\`](#${anchorOf(name)}): ${members.length} names`);
  return `${INTRODUCTION}${contents.join('\n')}\n\n${entries.map(renderEntry).join('\n')}`;
}

/** The anchor of a heading as GitHub makes it. */
const anchorOf = (name) => name.replace(/[^\w-]/g, '');

function renderEntry({ name, text, members }) {
  return `## ${name}\n\n${text}\n\n${members.map((member) => renderMember(member, text)).join('\n')}`;
}

/** TypeDoc gives the entry's own text to its first name too. */
function renderMember(member, entryText) {
  const block = `\`\`\`ts\n${declarationOf(member)}\n\`\`\``;
  const comments = [member.comment, ...(member.signatures ?? []).map(({ comment }) => comment)];
  return [`### ${member.name}`, block, ...comments.map(textOf), listOf(propertiesOf(member))]
    .filter((part) => part !== '' && part !== entryText)
    .map((part) => `${part}\n`)
    .join('\n');
}

function declarationOf(member) {
  const parameters = typeParameters(member.typeParameters);
  switch (member.kind) {
    case ReflectionKind.Function:
      return member.signatures.map((signature) => `function ${signatureOf(signature)}`).join('\n');
    case ReflectionKind.Variable:
      return `const ${member.name}: ${typeOf(member.type)}`;
    case ReflectionKind.TypeAlias:
      return `type ${member.name}${parameters} = ${typeOf(member.type)}`;
    case ReflectionKind.Class:
      return `class ${member.name}${parameters}${heritage(member)}`;
    default:
      return `interface ${member.name}${parameters}${heritage(member)}`;
  }
}

function heritage({ extendedTypes = [], implementedTypes = [] }) {
  const names = (types) => types.map(typeOf).join(', ');
  return [
    extendedTypes.length > 0 ? ` extends ${names(extendedTypes)}` : '',
    implementedTypes.length > 0 ? ` implements ${names(implementedTypes)}` : '',
  ].join('');
}

/** The properties and methods that the reflection itself declares, or inherits from a type that isn't exported. */
function propertiesOf(member) {
  const children = member.children ?? member.type?.declaration?.children ?? [];
  return children.filter(({ inheritedFrom, flags }) => inheritedFrom?.reflection === undefined && !flags.isExternal);
}

function listOf(properties) {
  return properties
    .map((property) => {
      const signatures = [...(property.signatures ?? []), ...(property.getSignature ? [property.getSignature] : [])];
      const heads = property.signatures?.map((signature) =>
        signatureOf({ ...signature, name: `${signature.name}${property.flags.isOptional ? '?' : ''}` }),
      ) ?? [
        `${property.name}${property.flags.isOptional ? '?' : ''}: ${typeOf(property.type ?? property.getSignature?.type)}`,
      ];
      const text = [property.comment, ...signatures.map(({ comment }) => comment)]
        .map(textOf)
        .filter((one) => one !== '');
      return [heads.map((head) => `- \`${head}\``).join('\n'), ...text.map(indented)].join('\n\n');
    })
    .join('\n');
}

const indented = (text) => text.replace(/^(?=.)/gm, '  ');

function signatureOf({ name, kind, typeParameters: own, parameters = [], type }) {
  const head = kind === ReflectionKind.ConstructorSignature ? 'new ' : name;
  const list = parameters.map(
    ({ name: parameter, flags, defaultValue, type: of }) =>
      `${flags.isRest ? '...' : ''}${parameter === '__namedParameters' ? 'options' : parameter}${flags.isOptional || defaultValue !== undefined ? '?' : ''}: ${typeOf(of)}`,
  );
  return `${head}${typeParameters(own)}(${list.join(', ')}): ${typeOf(type)}`;
}

const typeParameters = (parameters = []) =>
  parameters.length === 0
    ? ''
    : `<${parameters.map(({ name, type, default: byDefault }) => `${name}${type ? ` extends ${typeOf(type)}` : ''}${byDefault ? ` = ${typeOf(byDefault)}` : ''}`).join(', ')}>`;

const typeOf = (type) => (type === undefined ? 'unknown' : type.toString());

const TAGS = { '@returns': 'Returns', '@throws': 'Throws' };

/** A docstring as Markdown. */
function textOf(comment) {
  if (comment === undefined) return '';
  const blocks = comment.blockTags
    .filter(({ tag }) => tag in TAGS)
    .map(({ tag, content }) => `${TAGS[tag]}: ${partsOf(content)}`);
  return [partsOf(comment.summary), ...blocks].filter((text) => text !== '').join('\n\n');
}

const partsOf = (parts) =>
  parts
    .map((part) => (part.kind === 'inline-tag' ? `\`${part.text}\`` : part.text))
    .join('')
    .trim();
