/** @file Around every page. */
export const metadata = { title: "coarsegrad in Next.js", icons: "data:," };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
