/** Text of a contract, with what stands between backticks as code. It is text, whatever it holds. */
export const Prose = ({ text }: { readonly text: string }) =>
  text.split('`').map((part, index) => (index % 2 === 0 ? part : <code key={index}>{part}</code>));

/** The same with its paragraphs. */
export const Paragraphs = ({ text }: { readonly text: string }) =>
  text.split('\n\n').map((paragraph, index) => (
    <p key={index}>
      <Prose text={paragraph} />
    </p>
  ));
