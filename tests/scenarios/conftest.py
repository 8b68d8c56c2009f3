def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="write the timelines of tests/scenarios anew")
