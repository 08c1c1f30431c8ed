"""Write the tables of the documentation from the code: ``make docs``."""

from trainer.settings import prepare_environment

prepare_environment()

from tests.docs.pages import ROOT, write_tables  # noqa: E402
from tests.docs.tables import TABLES  # noqa: E402


def main() -> None:
    changed = write_tables(TABLES)
    print("\n".join(f"written: {path.relative_to(ROOT)}" for path in changed) or "All tables are as the code has them.")


if __name__ == "__main__":
    main()
