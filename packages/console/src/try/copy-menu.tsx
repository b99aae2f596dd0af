import { useState } from 'preact/hooks';
import { COPIES, type Drafted } from './copy.js';

/** Copies the call as a command or as code. The text is shown, too: a browser may refuse the clipboard. */
export function CopyMenu({ draft }: { readonly draft: Drafted }) {
  const [shown, setShown] = useState<{ readonly name: string; readonly isCopied: boolean } | undefined>();
  const copy = (name: string) => {
    const show = (isCopied: boolean) => setShown({ name, isCopied });
    const text = COPIES.get(name)?.(draft) ?? '';
    // Only a page of a secure origin has a clipboard.
    void (navigator.clipboard?.writeText(text) ?? Promise.reject()).then(
      () => show(true),
      () => show(false),
    );
  };
  return (
    <details>
      <summary>Copy the call</summary>
      <p class="row">
        {[...COPIES.keys()].map((name) => (
          <button key={name} type="button" onClick={() => copy(name)}>
            {name}
          </button>
        ))}
      </p>
      {shown && (
        <>
          <pre>{COPIES.get(shown.name)?.(draft)}</pre>
          <p aria-live="polite">{shown.isCopied ? 'Copied.' : 'Copy it from here: the browser has no clipboard.'}</p>
        </>
      )}
    </details>
  );
}
