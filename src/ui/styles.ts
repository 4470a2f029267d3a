/** The typefaces and the styles of what every page of the program has, in the order in which they count. */
import "@fontsource-variable/ibm-plex-sans/wght.css";
import "@fontsource/ibm-plex-mono/latin-400.css";
import "@fontsource/ibm-plex-mono/latin-500.css";
import "@fontsource/ibm-plex-mono/latin-600.css";
import "./tokens.css";
import "./base.css";
import "./layout.css";
import "./inspector.css";
import "./controls.css";
import "./top-bar.css";
import "./map.css";
import "./table.css";
import "./zone.css";
import "./lists.css";
import "./time.css";
import "./palette.css";
import "./forced.css";
