/** The help of the program link, which is there before the program is loaded. */
export const LINK_USAGE = `Usage: link [OPTION]... FILE      makes a link that plays the console lines of FILE; - for standard input
       link --show LINK           prints the console lines of a link

  --base URL      the page's address in front; without it, what stands behind it alone
  --readable      as #run=, which can be read and written by hand; without it packed, as #z=
  --step N        stops behind the first N commands
  --no-autoplay   waits for a click
  --embed         map, console and transport alone, for a frame
  --lesson NAME   opens a lesson beside it

`;
