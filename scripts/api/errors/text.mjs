/** The text that an expression makes, as a template: each variable part is a name in angle brackets. */
import ts from 'typescript';

/** How far names and calls are followed. */
const MAX_DEPTH = 6;

/**
 * @param {ts.Expression | undefined} expression
 * @param {number} [depth]
 * @returns {string}
 */
export function textOf(expression, depth = 0) {
  if (expression === undefined) return '';
  if (depth > MAX_DEPTH) return '<text>';
  const follow = (one) => textOf(one, depth + 1);
  if (ts.isStringLiteralLike(expression)) return expression.text;
  if (ts.isTemplateExpression(expression)) {
    const spans = expression.templateSpans.map((span) => partOf(span.expression, depth) + span.literal.text);
    return expression.head.text + spans.join('');
  }
  if (ts.isBinaryExpression(expression) && expression.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const texts = [partOf(expression.left, depth), partOf(expression.right, depth)];
    return texts.some(hasWords) ? texts.join('') : texts[0]; // a sum of numbers
  }
  if (ts.isConditionalExpression(expression)) return alternativesOf(expression, follow);
  if (ts.isParenthesizedExpression(expression) || ts.isAsExpression(expression)) return follow(expression.expression);
  if (ts.isArrayLiteralExpression(expression)) return expression.elements.map(follow).join('; ');
  if (ts.isObjectLiteralExpression(expression)) return violationOf(expression, follow);
  const declared = ts.isIdentifier(expression) ? initializerOf(expression) : undefined;
  const text = declared && follow(declared);
  return text !== undefined && hasWords(text) ? text : nameOf(expression);
}

/** Whether a template says anything beside its variable parts. */
export const hasWords = (text) => /[a-z]{3}/.test(text.replace(/<[^>]*>/g, ''));

/** Both texts; the first one if neither says anything by itself. */
function alternativesOf({ whenTrue, whenFalse }, follow) {
  const texts = [...new Set([follow(whenTrue), follow(whenFalse)])].filter((text) => text !== '<undefined>');
  return texts.some(hasWords) ? texts.join(' | ') : (texts.find((text) => text !== '') ?? '');
}

/** A part of a longer text: alternatives of whole words are set in brackets. */
function partOf(expression, depth) {
  const text = textOf(expression, depth + 1);
  if (!text.includes(' | ') || text.startsWith('[')) return text;
  return `[${text.split(' | ').filter(Boolean).join(' | ')}]`;
}

/** A violation of a field. */
function violationOf(literal, follow) {
  const partNamed = (wanted) => {
    const property = literal.properties.find(({ name }) => name?.getText() === wanted);
    if (property === undefined) return `<${wanted}>`;
    return follow(ts.isShorthandPropertyAssignment(property) ? property.name : property.initializer);
  };
  return `${partNamed('field')}: ${partNamed('description')}`;
}

/** What a `const` of the enclosing blocks or of the file is set to; undefined for a parameter or an import. */
function initializerOf(identifier) {
  for (let at = identifier.parent; at !== undefined; at = at.parent) {
    if (at.parameters?.some(({ name }) => name.getText().split(/\W+/).includes(identifier.text))) return undefined;
    const declarations = (at.statements ?? [])
      .filter(ts.isVariableStatement)
      .flatMap(({ declarationList }) => [...declarationList.declarations]);
    const found = declarations.find(({ name }) => ts.isIdentifier(name) && name.text === identifier.text);
    // Text only: a number or an object is better named than shown.
    if (found !== undefined) return isText(found.initializer) ? found.initializer : undefined;
  }
  return undefined;
}

const isText = (one) =>
  one !== undefined &&
  (ts.isStringLiteralLike(one) ||
    ts.isTemplateExpression(one) ||
    ts.isConditionalExpression(one) ||
    (ts.isBinaryExpression(one) && one.operatorToken.kind === ts.SyntaxKind.PlusToken));

/** A variable part by the last name in it that says anything. */
function nameOf(expression) {
  if (ts.isCallExpression(expression)) {
    const called = expression.expression;
    if (called.getText() === 'String' && expression.arguments[0]) return textOf(expression.arguments[0]);
    if (ts.isPropertyAccessExpression(called)) return nameOf(called.expression);
    return placeOf(called.getText().replace(/Of$/, ''));
  }
  if (ts.isPropertyAccessExpression(expression)) return placeOf(expression.name.text);
  const [name = 'value'] = /[A-Za-z_]\w*/.exec(expression.getText().replace(/^this\.#?/, '')) ?? [];
  return placeOf(name);
}

/** How a template shows the value of a variable. */
export const placeOf = (name) => `<${words(name.replace('#', ''))}>`;

const words = (name) =>
  name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();
